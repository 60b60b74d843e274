#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "eventlens/catalog.h"

namespace eventlens {
namespace {

constexpr int faces_a_photo = 6;
constexpr int dimensions = 192;
const Recognition made_by{.embedder = "mobilefacenet", .reader = "paddle"};

class Workspace {
  public:
    Workspace() {
        std::string pattern = (std::filesystem::temp_directory_path() / "eventlens-bench-XXXXXX").string();
        if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
        folder = pattern;
    }
    ~Workspace() {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    std::filesystem::path folder;
};

// Photos as a race gives them; every one has six faces and two reads.
std::vector<PhotoRecord> batch_of(std::mt19937& random, std::int64_t first, std::int64_t count) {
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(dimensions)));
    std::vector<PhotoRecord> photos(static_cast<std::size_t>(count));
    for (PhotoRecord& photo : photos) {
        photo.key = "2026/lakeside/finish/IMG_" + std::to_string(first++) + ".jpg";
        photo.fingerprint = "12345678 1778311800";
        photo.size = {6000, 4000};
        photo.captured = CaptureTime{1'778'311'800'000 + first * 250, 120};
        photo.camera = "Canon EOS R5";
        photo.faces.resize(faces_a_photo);
        for (Face& face : photo.faces) {
            face.embedding.resize(dimensions);
            for (float& component : face.embedding) component = normal(random);
        }
        photo.bib_reads.resize(2);
        for (BibRead& read : photo.bib_reads) {
            read.text = "A207";
            read.confidences.assign(4, 0.9F);
            read.evidence.assign(6, 0.5F);
        }
    }
    return photos;
}

// How long does it take to commit a batch of photos, on the disk of the temporary folder?
void put_batch(benchmark::State& state) {
    const Workspace workspace;
    Catalog catalog = Catalog::open(workspace.folder);
    const SourceId source = catalog.add_source(catalog.create_event({.name = "Race"}), "folder");
    std::mt19937 random(42);
    std::int64_t first = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const auto photos = batch_of(random, first, state.range(0));
        first += state.range(0);
        state.ResumeTiming();
        catalog.put_batch(source, made_by, photos);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(put_batch)->Arg(1)->Arg(32)->Unit(benchmark::kMillisecond)->UseRealTime();

// How long does it take to read an event of so many photos into memory?
void load_event(benchmark::State& state) {
    const Workspace workspace;
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace.folder);
        event = catalog.create_event({.name = "Race"});
        const SourceId source = catalog.add_source(event, "folder");
        std::mt19937 random(42);
        for (std::int64_t first = 0; first < state.range(0); first += 1000) {
            const std::int64_t count = std::min<std::int64_t>(1000, state.range(0) - first);
            catalog.put_batch(source, made_by, batch_of(random, first, count));
        }
    }
    const Catalog catalog = Catalog::open(workspace.folder);
    std::size_t faces = 0;
    for (auto _ : state) {
        catalog.changes_since(
            event, 0, made_by.embedder, [&](PhotoContent&& content) { faces += content.faces.size(); },
            [](PhotoId) {});
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(faces));
    state.counters["bytes_a_face"] =
        static_cast<double>(std::filesystem::file_size(workspace.folder / "catalog.sqlite")) /
        static_cast<double>(state.range(0) * faces_a_photo);
}
BENCHMARK(load_event)->Arg(1'000)->Arg(20'000)->Unit(benchmark::kMillisecond);

// What does it cost to ask whether another process has changed an event?
void change_counter(benchmark::State& state) {
    const Workspace workspace;
    Catalog catalog = Catalog::open(workspace.folder);
    const EventId event = catalog.create_event({.name = "Race"});
    for (auto _ : state) benchmark::DoNotOptimize(catalog.change_counter(event));
}
BENCHMARK(change_counter)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace eventlens

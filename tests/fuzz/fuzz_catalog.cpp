#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/time_zone.h"
#include "base/uuid.h"
#include "catalog/blobs.h"
#include "eventlens/catalog.h"
#include "eventlens/error.h"

namespace {

using namespace eventlens;

// A folder that goes with the process's end of interest in it.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "eventlens-fuzz-XXXXXX").string();
        if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// The file of a small, sound catalog.
std::string sound_file() {
    const TemporaryFolder folder;
    {
        Catalog catalog = Catalog::open(folder.path());
        const EventId event = catalog.create_event({.name = "Race"});
        const SourceId source = catalog.add_source(event, "folder");
        PhotoRecord photo;
        photo.key = "a.jpg";
        photo.faces.resize(2);
        for (Face& face : photo.faces) face.embedding.assign(128, 0.0625F);
        photo.bib_reads.resize(1);
        catalog.put_batch(source, {.embedder = "e", .reader = "r"}, {{photo}});
    }
    std::ifstream file(folder.path() / "catalog.sqlite", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void use_catalog(const std::string& file) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "catalog.sqlite", std::ios::binary) << file;
    Catalog catalog = Catalog::open(folder.path());
    for (const EventInfo& info : catalog.events()) {
        catalog.changes_since(
            info.id, 0, "e", [&](PhotoContent&& content) { catalog.photo(content.photo); }, [](PhotoId) {});
        for (const SourceInfo& source : catalog.sources(info.id)) {
            catalog.known_objects(source.id, {.embedder = "e", .reader = "r"}, [](const KnownObject&) {});
        }
        catalog.delete_event(info.id);
    }
}

// Runs `action`; an Error is an answer, anything else is found.
template <typename Action>
void answer(const Action& action) {
    try {
        action();
    } catch (const Error&) {
    }
}

}  // namespace

// "patch:" and groups of four bytes, offset (24 bits) and value: a sound catalog file damaged there is opened
// and used. Anything else is read as a roster, a stored list, a UUID and the name of a time zone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::string_view patch = "patch:";
    if (text.starts_with(patch)) {
        static const std::string sound = sound_file();
        std::string file = sound;
        for (std::size_t i = patch.size(); i + 4 <= size; i += 4) {
            const std::size_t offset = data[i] | data[i + 1] << 8 | data[i + 2] << 16;
            file[offset % file.size()] = static_cast<char>(data[i + 3]);
        }
        answer([&] { use_catalog(file); });
        return 0;
    }
    const auto bytes = std::as_bytes(std::span(data, size));
    answer([&] { (void)parse_roster_csv(bytes); });
    answer([&] { (void)floats_of(bytes); });
    answer([&] {
        // What is read is finite, so that it can be stored again.
        (void)embedding_blob(embedding_of(bytes));
    });
    answer([&] {
        std::array<Point, 5> points;
        points_of(bytes, points);
    });
    answer([&] { (void)TimeZone::named(std::string(text)); });
    (void)parse_uuid(text);
    return 0;
}

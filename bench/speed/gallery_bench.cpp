#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "eventlens/gallery.h"
#include "gallery/gallery_impl.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace eventlens {
namespace {

constexpr int faces_per_photo = 5;
constexpr std::size_t top = 100;

Embedding random_embedding(std::mt19937_64& random, int dimensions) {
    Embedding embedding;
    for (int i = 0; i < dimensions; ++i) {
        embedding.push_back(static_cast<float>(random() >> 40) * 0x1p-24F - 0.5F);
    }
    return embedding;
}

Gallery random_gallery(std::mt19937_64& random, std::int64_t faces, int dimensions, ScanKernel kernel) {
    GalleryOptions options;
    options.kernel = kernel;
    Gallery gallery(dimensions, options);
    std::vector<Face> photo(faces_per_photo);
    for (PhotoId id = 0; id * faces_per_photo < faces; ++id) {
        for (Face& face : photo) face.embedding = random_embedding(random, dimensions);
        gallery.put(id, photo);
    }
    return gallery;
}

// CPU time of this thread: other programs on the machine do not count as ours.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Touches every cache line, the least that an exact search must do, in the fastest of the ways tried: four or
// eight streams with prefetch (18 GB/s on a Xeon of 2.6 GHz; one stream 15 with and 16.5 without).
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void read_lines_avx512(const Half* first, std::size_t halves) {
    constexpr std::size_t streams = 4;
    const std::size_t part = halves / 32 / streams * 32;
    __m512i sums[streams] = {};
    for (std::size_t i = 0; i < part; i += 32) {
#pragma GCC unroll 4
        for (std::size_t r = 0; r < streams; ++r) {
            const Half* line = first + r * part + i;
            _mm_prefetch(reinterpret_cast<const char*>(line) + 2048, _MM_HINT_T0);
            sums[r] = _mm512_xor_si512(sums[r], _mm512_loadu_si512(line));
        }
    }
    for (std::size_t i = streams * part; i < halves; i += 32) {
        sums[0] = _mm512_xor_si512(sums[0], _mm512_loadu_si512(first + i));
    }
    benchmark::DoNotOptimize(sums);
}
#endif

void read_lines_portable(const Half* first, std::size_t halves) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < halves; i += 32) {
        std::uint64_t word = 0;
        std::memcpy(&word, first + i, sizeof word);
        sum ^= word;
    }
    benchmark::DoNotOptimize(sum);
}

void read_all(const FaceMatrix& matrix) {
#if defined(__x86_64__)
    const bool wide = cpu_has(ScanKernel::avx512);
#endif
    matrix.for_each_page([&](const Half* page, std::size_t, std::size_t rows) {
#if defined(__x86_64__)
        if (wide) return read_lines_avx512(page, rows * matrix.stride());
#endif
        read_lines_portable(page, rows * matrix.stride());
    });
}

// How long does a search take, and how far is that from reading its memory once? Reads and searches take
// turns, so that whatever else slows the machine slows both.
void search_gallery(benchmark::State& state) {
    std::mt19937_64 random(42);  // fixed seed: runs are comparable
    const std::int64_t faces = state.range(0);
    const int dimensions = static_cast<int>(state.range(1));
    const auto kernel = static_cast<ScanKernel>(state.range(2));
    if (!cpu_has(kernel)) {
        state.SkipWithError("this CPU lacks the kernel");
        return;
    }
    const Gallery gallery = random_gallery(random, faces, dimensions, kernel);
    const Embedding query = random_embedding(random, dimensions);
    const FaceMatrix& matrix = gallery.impl().matrix;

    std::vector<double> reads;
    std::vector<double> searches;
    std::vector<double> ratios;
    for (auto _ : state) {
        const double start = cpu_seconds();
        read_all(matrix);
        const double read = cpu_seconds();
        benchmark::DoNotOptimize(gallery.nearest(query, top));
        const double searched = cpu_seconds();
        state.SetIterationTime(searched - read);
        reads.push_back(read - start);
        searches.push_back(searched - read);
        ratios.push_back((searched - read) / (read - start));
    }
    for (std::vector<double>* values : {&reads, &searches, &ratios})
        std::sort(values->begin(), values->end());
    const double bytes = static_cast<double>(matrix.rows() * matrix.stride() * sizeof(Half));
    state.SetItemsProcessed(state.iterations() * faces);
    state.counters["read_ms"] = 1e3 * reads[reads.size() / 2];
    state.counters["search_ms"] = 1e3 * searches[searches.size() / 2];
    state.counters["read_GB/s"] = 1e-9 * bytes / reads[reads.size() / 2];
    state.counters["ratio_min"] = ratios.front();
    state.counters["ratio_median"] = ratios[ratios.size() / 2];
    state.counters["ratio_max"] = ratios.back();
}
BENCHMARK(search_gallery)
    ->ArgNames({"faces", "dimensions", "kernel"})
    ->Args({1'000'000, 128, static_cast<int>(ScanKernel::automatic)})
    ->Args({1'000'000, 192, static_cast<int>(ScanKernel::automatic)})
    ->Args({1'000'000, 320, static_cast<int>(ScanKernel::automatic)})
    ->Args({1'000'000, 320, static_cast<int>(ScanKernel::avx2)})
    ->Args({100'000, 320, static_cast<int>(ScanKernel::scalar)})
    ->Args({10'000, 320, static_cast<int>(ScanKernel::automatic)})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace eventlens

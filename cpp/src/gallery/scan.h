#pragma once

#include <cstddef>

#include "eventlens/gallery.h"
#include "gallery/half.h"

namespace eventlens {

inline constexpr std::size_t row_multiple = 32;  // halves in a cache line of 64 bytes; rows are padded to it

// scores[i] = dot product of row i and the query, for i < rows. Row i starts at first + i * stride; stride is
// a multiple of row_multiple, the query is padded with zeros to stride floats, and rows start on cache lines.
// Equal rows get equal scores wherever they lie.
using ScoreRows = void (*)(const Half* first, std::size_t stride, std::size_t rows, const float* query,
                           float* scores);

// Throws Error(unsupported) for a kernel that this CPU or this build lacks.
ScoreRows score_rows_by(ScanKernel kernel);

bool cpu_has(ScanKernel kernel);

}  // namespace eventlens

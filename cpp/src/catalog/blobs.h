#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eventlens/faces.h"
#include "eventlens/image.h"
#include "eventlens/tracks.h"

// How lists of numbers are stored: little endian on every machine, without a header; the length says how
// many.
namespace eventlens {

std::vector<std::byte> float_blob(std::span<const float> numbers);
std::vector<std::byte> point_blob(std::span<const Point> points);
std::vector<std::byte> path_blob(std::span<const Waypoint> path);  // times with 64 bits, boxes with 32

// 16 bits a component (IEEE 754 binary16). Throws Error(bad_input) for one that is not finite then.
std::vector<std::byte> embedding_blob(std::span<const float> embedding);

// The way back. Throws Error(bad_input) for a length that is none or not the one of `points`, and for an
// embedding with a component that is not finite: the file is damaged.
std::vector<float> floats_of(std::span<const std::byte> blob);
void points_of(std::span<const std::byte> blob, std::span<Point> points);
std::vector<Waypoint> path_of(std::span<const std::byte> blob);
Embedding embedding_of(std::span<const std::byte> blob);

}  // namespace eventlens

#include "catalog/blobs.h"

#include <bit>
#include <cstdint>

#include "eventlens/error.h"
#include "gallery/half.h"

namespace eventlens {

namespace {

constexpr std::size_t waypoint_bytes = sizeof(std::uint64_t) + 4 * sizeof(std::uint32_t);
constexpr unsigned half_exponent = 0x7C00;  // all ones: infinity or NaN
constexpr unsigned half_exponent_step = 0x0400;
constexpr unsigned half_sign = 0x8000;

template <typename Word>
void append(std::vector<std::byte>& blob, Word word) {
    for (std::size_t i = 0; i < sizeof(Word); ++i)
        blob.push_back(static_cast<std::byte>(word >> (8 * i) & 0xFF));
}

template <typename Word>
Word word_at(std::span<const std::byte> blob, std::size_t index) {
    Word word = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
        word = static_cast<Word>(word | static_cast<Word>(blob[index * sizeof(Word) + i]) << (8 * i));
    }
    return word;
}

std::size_t count_in(std::span<const std::byte> blob, std::size_t word_size) {
    if (blob.size() % word_size != 0) throw Error(ErrorCode::bad_input, "catalog: a stored list is damaged");
    return blob.size() / word_size;
}

}  // namespace

std::vector<std::byte> float_blob(std::span<const float> numbers) {
    std::vector<std::byte> blob;
    blob.reserve(numbers.size() * sizeof(std::uint32_t));
    for (const float number : numbers) append(blob, std::bit_cast<std::uint32_t>(number));
    return blob;
}

std::vector<std::byte> point_blob(std::span<const Point> points) {
    std::vector<std::byte> blob;
    blob.reserve(points.size() * 2 * sizeof(std::uint32_t));
    for (const Point& point : points) {
        append(blob, std::bit_cast<std::uint32_t>(point.x));
        append(blob, std::bit_cast<std::uint32_t>(point.y));
    }
    return blob;
}

std::vector<std::byte> path_blob(std::span<const Waypoint> path) {
    std::vector<std::byte> blob;
    blob.reserve(path.size() * waypoint_bytes);
    for (const auto& [time, box] : path) {
        append(blob, std::bit_cast<std::uint64_t>(time));
        for (const float side : {box.x, box.y, box.width, box.height})
            append(blob, std::bit_cast<std::uint32_t>(side));
    }
    return blob;
}

std::vector<std::byte> embedding_blob(std::span<const float> embedding) {
    std::vector<std::byte> blob;
    blob.reserve(embedding.size() * sizeof(Half));
    for (const float component : embedding) {
        const Half half = half_from_float(component);
        if ((half & half_exponent) == half_exponent) {
            throw Error(ErrorCode::bad_input, "an embedding has a component that is not finite");
        }
        append(blob, half);
    }
    return blob;
}

std::vector<float> floats_of(std::span<const std::byte> blob) {
    std::vector<float> numbers(count_in(blob, sizeof(std::uint32_t)));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = std::bit_cast<float>(word_at<std::uint32_t>(blob, i));
    }
    return numbers;
}

void points_of(std::span<const std::byte> blob, std::span<Point> points) {
    if (count_in(blob, 2 * sizeof(std::uint32_t)) != points.size()) {
        throw Error(ErrorCode::bad_input, "catalog: a stored list of points is damaged");
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
        points[i].x = std::bit_cast<float>(word_at<std::uint32_t>(blob, 2 * i));
        points[i].y = std::bit_cast<float>(word_at<std::uint32_t>(blob, 2 * i + 1));
    }
}

std::vector<Waypoint> path_of(std::span<const std::byte> blob) {
    std::vector<Waypoint> path(count_in(blob, waypoint_bytes));
    for (Waypoint& waypoint : path) {
        waypoint.time = std::bit_cast<double>(word_at<std::uint64_t>(blob, 0));
        const auto side = [&](std::size_t index) {
            return std::bit_cast<float>(word_at<std::uint32_t>(blob.subspan(sizeof(double)), index));
        };
        waypoint.box = {side(0), side(1), side(2), side(3)};
        blob = blob.subspan(waypoint_bytes);
    }
    return path;
}

Embedding embedding_of(std::span<const std::byte> blob) {
    Embedding embedding(count_in(blob, sizeof(Half)));
    // No branch in the loop, so that it is vectorised: the first search of an event reads every face of it.
    unsigned carries = 0;
    for (std::size_t i = 0; i < embedding.size(); ++i) {
        const auto half = static_cast<Half>(std::to_integer<unsigned>(blob[2 * i]) |
                                            std::to_integer<unsigned>(blob[2 * i + 1]) << 8);
        carries |= (half & half_exponent) + half_exponent_step;  // into the sign's place if all were ones
        embedding[i] = float_from_finite_half(half);
    }
    if ((carries & half_sign) != 0)
        throw Error(ErrorCode::bad_input, "catalog: a stored embedding is damaged");
    return embedding;
}

}  // namespace eventlens

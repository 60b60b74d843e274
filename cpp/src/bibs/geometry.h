#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "eventlens/image.h"

namespace eventlens {

using Corners = std::array<Point, 4>;  // top left, top right, bottom right, bottom left

inline float distance(Point a, Point b) {
    return std::hypot(a.x - b.x, a.y - b.y);
}

// Of the text line: its mean width and height along its own axes, in pixels.
inline float width_of(const Corners& c) {
    return (distance(c[0], c[1]) + distance(c[3], c[2])) / 2;
}
inline float height_of(const Corners& c) {
    return (distance(c[0], c[3]) + distance(c[1], c[2])) / 2;
}

// The smallest upright box that holds the corners.
inline Rect box_around(const Corners& corners) {
    const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
    const auto [top, bottom] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
    return {left, top, right - left, bottom - top};
}

inline float shared_area(const Rect& a, const Rect& b) {
    const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
    const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
    return width > 0 && height > 0 ? width * height : 0;
}

inline float area_of(const Rect& box) {
    return box.width * box.height;
}

// The line made longer at both ends and higher at both sides; in heights of the line, less than nothing
// shrinks it.
inline Corners grown(const Corners& c, float ends, float sides) {
    const float height = height_of(c);
    const Point along{(c[1].x - c[0].x + c[2].x - c[3].x) / 2, (c[1].y - c[0].y + c[2].y - c[3].y) / 2};
    const Point down{(c[3].x - c[0].x + c[2].x - c[1].x) / 2, (c[3].y - c[0].y + c[2].y - c[1].y) / 2};
    const float length = std::max(1e-6F, std::hypot(along.x, along.y));
    const float depth = std::max(1e-6F, std::hypot(down.x, down.y));
    const Point u{along.x / length * ends * height, along.y / length * ends * height};
    const Point v{down.x / depth * sides * height, down.y / depth * sides * height};
    return {Point{c[0].x - u.x - v.x, c[0].y - u.y - v.y}, Point{c[1].x + u.x - v.x, c[1].y + u.y - v.y},
            Point{c[2].x + u.x + v.x, c[2].y + u.y + v.y}, Point{c[3].x - u.x + v.x, c[3].y - u.y + v.y}};
}

}  // namespace eventlens

#include "faces/align.h"

namespace eventlens {

namespace {

struct Centre {
    double x = 0;
    double y = 0;
};

Centre centre_of(const std::array<Point, 5>& points) {
    Centre centre;
    for (const Point& point : points) {
        centre.x += point.x;
        centre.y += point.y;
    }
    centre.x /= static_cast<double>(points.size());
    centre.y /= static_cast<double>(points.size());
    return centre;
}

}  // namespace

AffineMatrix aligned_to_photo(const std::array<Point, 5>& landmarks, const std::array<Point, 5>& to) {
    // Minimises over the photo → aligned direction, in which the networks' authors fit, and inverts the
    // result.
    const Centre from_centre = centre_of(landmarks);
    const Centre to_centre = centre_of(to);
    double spread = 0;
    double along = 0;
    double across = 0;
    for (std::size_t i = 0; i < landmarks.size(); ++i) {
        const double x = landmarks[i].x - from_centre.x;
        const double y = landmarks[i].y - from_centre.y;
        const double u = to[i].x - to_centre.x;
        const double v = to[i].y - to_centre.y;
        spread += x * x + y * y;
        along += x * u + y * v;
        across += x * v - y * u;
    }
    // The forward map is (a -b; b a) with a = along / spread, b = across / spread; its inverse divides by a²
    // + b².
    const double strength = along * along + across * across;
    const double a = strength > 0 ? along * spread / strength : 0;
    const double b = strength > 0 ? across * spread / strength : 0;
    return {static_cast<float>(a),
            static_cast<float>(b),
            static_cast<float>(from_centre.x - a * to_centre.x - b * to_centre.y),
            static_cast<float>(-b),
            static_cast<float>(a),
            static_cast<float>(from_centre.y + b * to_centre.x - a * to_centre.y)};
}

}  // namespace eventlens

#include "tracks/motion.h"

#include <algorithm>
#include <cmath>

namespace eventlens {

namespace {

constexpr double steady_for = 1.5;  // seconds; nobody's speed is foreseen for longer

// Standard deviations of the place in units: of one seen once, who may run as well as stand (12 units a
// second, 2.7 m/s, are 3 of them), and of one whose speed is known.
constexpr double jitter = 0.3;
constexpr double unknown_speed = 4;
constexpr double changed_speed = 1.5;

constexpr double size_jitter = 0.15;  // of the size's logarithm
constexpr double size_change = 0.4;   // per second
constexpr double most_growth = 1.5;   // per second; coming nearer at full speed from 5 m away

double x_of(const Rect& box) {
    return static_cast<double>(box.x) + static_cast<double>(box.width) / 2;
}
double y_of(const Rect& box) {
    return static_cast<double>(box.y) + static_cast<double>(box.height) / 2;
}

}  // namespace

Motion::Motion(Rect box, double unit, double time)
    : box_(box), unit_(std::max(1.0, unit)), time_(time), seen_(1) {}

double Motion::growth_until(double time) const {
    return std::exp(growth_ * std::clamp(time - time_, 0.0, steady_for));
}

Rect Motion::box_at(double time) const {
    const double step = std::clamp(time - time_, 0.0, steady_for);
    const double width = static_cast<double>(box_.width) * growth_until(time);
    const double height = static_cast<double>(box_.height) * growth_until(time);
    return {static_cast<float>(x_of(box_) + x_speed_ * step - width / 2),
            static_cast<float>(y_of(box_) + y_speed_ * step - height / 2), static_cast<float>(width),
            static_cast<float>(height)};
}

double Motion::unit_at(double time) const {
    return unit_ * growth_until(time);
}

Misfit Motion::misfit(Rect box, double unit, double time) const {
    const double step = std::clamp(time - time_, 0.0, steady_for);
    const Rect expected = box_at(time);
    const double size = std::sqrt(unit_at(time) * std::max(1.0, unit));
    const double spread = jitter + (seen_ > 1 ? changed_speed : unknown_speed) * step;
    const double away = std::hypot(x_of(box) - x_of(expected), y_of(box) - y_of(expected)) / size / spread;
    const double larger =
        std::abs(std::log(std::max(1.0, unit) / unit_at(time))) / (size_jitter + size_change * step);
    return {away * away + larger * larger, spread, away > 3 || larger > 3};
}

void Motion::move(Rect box, double unit, double time) {
    const double step = time - time_;
    unit = std::max(1.0, unit);
    if (step > 0) {
        // The first step tells the speed; later ones correct it by a part, as boxes tremble.
        const double part = seen_ > 1 ? 0.6 : 1;
        const Rect expected = box_at(time);
        x_speed_ += part * (x_of(box) - x_of(expected)) / step;
        y_speed_ += part * (y_of(box) - y_of(expected)) / step;
        growth_ =
            std::clamp(growth_ + part / 2 * std::log(unit / unit_at(time)) / step, -most_growth, most_growth);
    }
    box_ = box;
    unit_ = unit;
    time_ = time;
    ++seen_;
}

}  // namespace eventlens

#pragma once

#include "eventlens/image.h"

namespace eventlens {

// How far a box is from where a motion leads, and how far it could be.
struct Misfit {
    double squared = 0;  // in standard deviations; of place and size together
    double spread = 0;   // standard deviation of the place, in units

    // 3 standard deviations, or a size that nobody takes on so quickly.
    bool impossible = false;
};

// Somebody's way through the picture: a box that moves and grows steadily. Lengths are measured in the
// motion's unit, the height of a face: 22 cm at the person, so that 1 m/s across the picture is 4.5 units a
// second.
class Motion {
  public:
    Motion() = default;
    Motion(Rect box, double unit, double time);

    Rect box_at(double time) const;
    double unit_at(double time) const;

    Misfit misfit(Rect box, double unit, double time) const;

    // They were seen there.
    void move(Rect box, double unit, double time);

    double time() const { return time_; }

  private:
    double growth_until(double time) const;

    Rect box_;
    double unit_ = 0;
    double time_ = 0;
    double x_speed_ = 0;  // pixels per second, of the centre
    double y_speed_ = 0;
    double growth_ = 0;  // of the size's logarithm, per second
    int seen_ = 0;
};

}  // namespace eventlens

#pragma once

#include <optional>
#include <vector>

#include "eventlens/faces.h"

namespace eventlens {

// The best looks at one person's face. Embedding a face costs more than all else that is done with it, so few
// looks are asked for: the first ones, until there are as many as will be kept, those clearly better than
// what is there, and others at times twice as far apart each, so that an hour asks for a dozen more.
class Looks {
  public:
    explicit Looks(int most) : most_(most) {}

    // Whether a look of this quality is worth an embedding.
    bool wants(float quality, double time) const;

    // Without an embedding a face is kept only until there is one with.
    void see(const Face& face, double time);
    void add(Face face, double time);

    // Takes over another's looks.
    void absorb(Looks&& other);

    // The mean embedding, weighted by quality, of unit length; empty without looks.
    Embedding mean() const;
    double mean_quality() const;  // of the looks

    // The best look with the mean embedding; else the best face seen; else nothing.
    std::optional<Face> best(double& time) const;
    int count() const { return static_cast<int>(looks_.size()); }

  private:
    struct Look {
        Face face;
        double time = 0;
    };
    void drop_one();

    int most_;
    std::vector<Look> looks_;  // by time
    std::optional<Look> seen_;
    double last_ = 0;  // when one was added
    double next_turn_ = 0;
    double turn_ = 1;  // seconds
};

}  // namespace eventlens

#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace eventlens {

struct RowScore {
    std::size_t row = 0;
    float score = 0;
};

// Keeps the best `count` rows that it is offered. Those worse than the bound cost one comparison; the others
// are collected and halved when they get many, so a row costs constant time on average however large `count`
// is. `Before` orders rows of equal score.
template <typename Before>
class TopRows {
  public:
    TopRows(std::size_t count, Before before) : count_(count), before_(before) {
        if (count_ == 0) bound_ = std::numeric_limits<float>::infinity();
    }

    float bound() const { return bound_; }

    // Only for scores of at least bound().
    void offer(RowScore candidate) {
        if (count_ == 0) return;
        kept_.push_back(candidate);
        if (kept_.size() >= 2 * count_ + 64) keep_best();
    }

    std::vector<RowScore> best_first() && {
        if (kept_.size() > count_) keep_best();
        std::sort(kept_.begin(), kept_.end(), better());
        return std::move(kept_);
    }

  private:
    auto better() const {
        return [this](const RowScore& a, const RowScore& b) {
            return a.score != b.score ? a.score > b.score : before_(a.row, b.row);
        };
    }

    void keep_best() {
        const auto last = kept_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
        std::nth_element(kept_.begin(), last, kept_.end(), better());
        bound_ = last->score;
        kept_.resize(count_);
    }

    std::size_t count_;
    Before before_;
    float bound_ = -std::numeric_limits<float>::infinity();
    std::vector<RowScore> kept_;
};

}  // namespace eventlens

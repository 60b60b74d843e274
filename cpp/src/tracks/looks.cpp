#include "tracks/looks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace eventlens {

namespace {

constexpr float hopeless = 0.08F;  // a face of this quality matches at random
constexpr float clearly = 0.1F;    // better by so much; qualities of one face tremble by half of it
constexpr double rest = 1.0;       // seconds between looks that merely replace the worst
constexpr float about_equal = 0.05F;

}  // namespace

bool Looks::wants(float quality, double time) const {
    if (quality < hopeless || most_ < 1) return false;
    if (looks_.empty()) return true;
    const auto [worst, best] =
        std::minmax_element(looks_.begin(), looks_.end(),
                            [](const Look& a, const Look& b) { return a.face.quality < b.face.quality; });
    if (quality > best->face.quality + clearly) return true;
    if (count() == most_ && quality > worst->face.quality + clearly && time >= last_ + rest) return true;
    return time >= next_turn_ && quality > worst->face.quality - about_equal;
}

void Looks::see(const Face& face, double time) {
    if (!looks_.empty()) return;
    if (!seen_ || face.quality > seen_->face.quality) seen_ = Look{face, time};
}

void Looks::add(Face face, double time) {
    const auto later =
        std::find_if(looks_.begin(), looks_.end(), [&](const Look& l) { return l.time > time; });
    looks_.insert(later, {std::move(face), time});
    if (count() > most_) drop_one();
    seen_.reset();
    last_ = time;
    if (count() < most_) return;
    next_turn_ = time + turn_;
    turn_ *= 2;
}

// Of looks about as bad as the worst, drops the one nearest in time to its neighbours: the others tell more.
void Looks::drop_one() {
    float worst = std::numeric_limits<float>::max();
    for (const Look& look : looks_) worst = std::min(worst, look.face.quality);
    std::size_t dropped = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < looks_.size(); ++i) {
        if (looks_[i].face.quality > worst + about_equal) continue;
        const bool at_end = i == 0 || i + 1 == looks_.size();
        const double room =
            at_end ? std::numeric_limits<double>::max() : looks_[i + 1].time - looks_[i - 1].time;
        if (room < least) {
            least = room;
            dropped = i;
        }
    }
    looks_.erase(looks_.begin() + static_cast<std::ptrdiff_t>(dropped));
}

void Looks::absorb(Looks&& other) {
    if (other.seen_) see(other.seen_->face, other.seen_->time);
    for (Look& look : other.looks_) add(std::move(look.face), look.time);
}

Embedding Looks::mean() const {
    if (looks_.empty()) return {};
    Embedding mean(looks_.front().face.embedding.size());
    for (const Look& look : looks_) {
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += look.face.quality * look.face.embedding[i];
    }
    double squares = 0;
    for (const float value : mean) squares += static_cast<double>(value) * static_cast<double>(value);
    // Looks that cancel each other out have no mean; the best of them speaks then.
    if (!(squares > 1e-12)) return looks_.front().face.embedding;
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (float& value : mean) value *= scale;
    return mean;
}

double Looks::mean_quality() const {
    double sum = 0;
    for (const Look& look : looks_) sum += static_cast<double>(look.face.quality);
    return looks_.empty() ? 0 : sum / static_cast<double>(looks_.size());
}

std::optional<Face> Looks::best(double& time) const {
    if (looks_.empty()) {
        if (!seen_) return std::nullopt;
        time = seen_->time;
        return seen_->face;
    }
    const auto look = std::max_element(looks_.begin(), looks_.end(), [](const Look& a, const Look& b) {
        return a.face.quality < b.face.quality;
    });
    time = look->time;
    Face face = look->face;
    face.embedding = mean();
    return face;
}

}  // namespace eventlens

#include "tracks/track.h"

#include <algorithm>
#include <utility>

namespace eventlens {

namespace {

constexpr std::size_t most_waypoints = 512;

}  // namespace

void Path::add(Waypoint point) {
    // The last waypoint is where they are now; it stays once it is a step behind the one before.
    const std::size_t count = points_.size();
    if (count >= 2 && points_[count - 1].time - points_[count - 2].time < step_) {
        points_.back() = point;
    } else {
        points_.push_back(point);
    }
    if (points_.size() <= most_waypoints) return;
    std::vector<Waypoint> half;
    for (std::size_t i = 0; i < points_.size(); i += 2) half.push_back(points_[i]);
    if (points_.size() % 2 == 0) half.push_back(points_.back());
    points_ = std::move(half);
    step_ *= 2;
}

void Path::absorb(const Path& other) {
    std::vector<Waypoint> all;
    std::merge(points_.begin(), points_.end(), other.points_.begin(), other.points_.end(),
               std::back_inserter(all), [](const auto& a, const auto& b) { return a.time < b.time; });
    points_.clear();
    for (const Waypoint& point : all) {
        if (points_.empty() || point.time > points_.back().time) add(point);
    }
}

void Track::sight(double time, Rect shown) {
    if (sightings == 0) first_seen = time;
    if (sightings > 0 && last_seen == time) return;
    ++sightings;
    last_seen = time;
    missed.reset();
    path.add({time, shown});
}

void Track::absorb(Track&& other) {
    start = std::min(start, other.start);
    first_seen = std::min(first_seen, other.first_seen);
    sightings += other.sightings;
    if (continues < 0) continues = other.continues;
    path.absorb(other.path);
    reads.absorb(std::move(other.reads));
    looks.absorb(std::move(other.looks));
}

Appearance Track::appearance(double end) const {
    Appearance made;
    made.span = {start, std::max(start, end)};
    made.sightings = sightings;
    made.path = path.points();
    made.face = looks.best(made.face_time);
    made.faces_embedded = looks.count();
    made.bib_reads = reads.by_time();
    made.continues = continues;
    return made;
}

}  // namespace eventlens

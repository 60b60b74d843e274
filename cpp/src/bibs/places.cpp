#include "bibs/places.h"

#include <cmath>
#include <numeric>

namespace eventlens {

namespace {

constexpr float least_height = 6;  // pixels; lower text is guessed, not read
constexpr float least_aspect = 0.35F;
constexpr float most_aspect = 7;
constexpr float same_place = 0.35F;      // of the smaller box
constexpr float same_line = 0.6F;        // intersection over union
constexpr std::size_t most_lines = 200;  // in a photo; more is scenery, and must not take seconds

bool is_legible(const TextBox& box) {
    const float height = height_of(box.corners);
    if (!(height >= least_height)) return false;
    const float aspect = width_of(box.corners) / height;
    return aspect >= least_aspect && aspect <= most_aspect;
}

bool is_same_line(const Line& a, const Line& b) {
    const Rect one = box_around(a.box.corners);
    const Rect other = box_around(b.box.corners);
    const float shared = shared_area(one, other);
    return shared > same_line * (area_of(one) + area_of(other) - shared);
}

bool is_same_place(const Line& a, const Line& b) {
    const Rect one = box_around(a.box.corners);
    const Rect other = box_around(b.box.corners);
    return shared_area(one, other) > same_place * std::min(area_of(one), area_of(other));
}

}  // namespace

std::vector<Line> arrange(std::vector<Line> lines) {
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.box.score > b.box.score; });
    std::vector<Line> kept;
    for (const Line& line : lines) {
        if (kept.size() == most_lines) break;
        const bool seen = line.from_torso && std::any_of(kept.begin(), kept.end(), [&](const Line& other) {
                              return other.from_torso && is_same_line(line, other);
                          });
        if (is_legible(line.box) && !seen) kept.push_back(line);
    }
    // A line starts a place of its own; whoever overlaps it later brings its whole place along.
    for (std::size_t i = 0; i < kept.size(); ++i) {
        kept[i].place = static_cast<int>(i);
        for (std::size_t j = 0; j < i; ++j) {
            if (kept[j].place == kept[i].place || !is_same_place(kept[i], kept[j])) continue;
            const int left = kept[j].place;
            for (std::size_t k = 0; k <= i; ++k) {
                if (kept[k].place == left) kept[k].place = kept[i].place;
            }
        }
    }
    return kept;
}

bool is_near_face(const Corners& text, std::span<const Face> faces) {
    const Rect box = box_around(text);
    const float x = box.x + box.width / 2;
    const float y = box.y + box.height / 2;
    const float height = height_of(text);
    return std::any_of(faces.begin(), faces.end(), [&](const Face& face) {
        const float unit = face.box.height;
        const float below = y - (face.box.y + unit);
        return std::abs(x - (face.box.x + face.box.width / 2)) < 1.5F * unit && below > 0.4F * unit &&
               below < 5 * unit && height > 0.22F * unit && height < unit;
    });
}

bool is_at_edge(const Corners& text, Size photo) {
    const Rect box = box_around(text);
    const float nearest = std::min({box.x, box.y, static_cast<float>(photo.width) - box.x - box.width,
                                    static_cast<float>(photo.height) - box.y - box.height});
    return nearest < 0.3F * height_of(text);
}

}  // namespace eventlens

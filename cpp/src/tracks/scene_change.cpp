#include <cmath>
#include <optional>
#include <utility>

#include "eventlens/tracks.h"
#include "tracks/scene_look.h"

namespace eventlens {

namespace {

constexpr float blank =
    8;  // contrast in grey levels; what is less is black, a fade, or a flash that fills all

// Logistic model of what two frames have in common.
constexpr float bias = 6;
constexpr float per_relief = -7;
constexpr float per_grey = -2;
constexpr float per_tint = -4;

bool is_other_scene(const SceneLook& before, const SceneLook& now) {
    const SceneLikeness alike = compare(before, now);
    return bias + per_relief * alike.relief + per_grey * alike.grey + per_tint * alike.tints > 0;
}

}  // namespace

struct SceneChange::Impl {
    std::optional<SceneLook> before;
};

SceneChange::SceneChange() : impl_(std::make_unique<Impl>()) {}
SceneChange::SceneChange(SceneChange&&) noexcept = default;
SceneChange& SceneChange::operator=(SceneChange&&) noexcept = default;
SceneChange::~SceneChange() = default;

bool SceneChange::observe(ImageView frame, double /*time*/) {
    SceneLook now = look_at_scene(frame);
    if (now.contrast < blank) return false;
    const bool changed = impl_->before && is_other_scene(*impl_->before, now);
    impl_->before = std::move(now);
    return changed;
}

}  // namespace eventlens

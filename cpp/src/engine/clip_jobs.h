#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "engine/renditions.h"
#include "eventlens/catalog.h"
#include "eventlens/engine.h"

namespace eventlens {

// What making clips needs of the engine.
struct ClipTools {
    std::function<std::vector<ClipSpan>(const ClipJob&)> plan;  // every span, by video and time
    std::function<std::shared_ptr<const ByteSource>(VideoId)> open_video;
    StoreOpener open_store;
    std::function<std::filesystem::path(EventId)> folder_of;  // for clips on their way to their store
};

// Makes the clips of a job that was taken on, and ends it. `stopped` is asked several times a second while a
// clip is cut, and between clips: when it says so, the job is given back as far as it is. A clip that cannot
// be made does not keep the others from being made.
void make_clips(Catalog& catalog, const Claim& claim, const ClipTools& tools,
                const std::function<bool()>& stopped);

// Of several spans of each video the one that shows the person best.
std::vector<Catalog::ClipPlan> best_of_each_video(std::span<const ClipSpan> spans);

}  // namespace eventlens

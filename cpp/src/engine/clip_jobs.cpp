#include "engine/clip_jobs.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include "base/uuid.h"
#include "engine/leases.h"
#include "engine/shift.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

namespace fs = std::filesystem;

const WriteOptions mp4_for_browsers{.content_type = "video/mp4", .cache_control = "max-age=3600"};

// Leaves a cut that is under way.
struct Stopped {};

// The video that a clip is to be cut from is not in its source any more.
struct VideoGone : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A file that goes with the scope. Its name is new each time: whoever lost a job may still be at it.
class PassingFile {
  public:
    explicit PassingFile(const fs::path& folder) : path_(folder / (uuid_text(make_uuid()) + ".mp4")) {
        std::error_code failed;
        fs::create_directories(folder, failed);
        if (failed) {
            throw Error(ErrorCode::bad_input,
                        "cannot create the folder " + folder.string() + ": " + failed.message());
        }
    }
    ~PassingFile() {
        std::error_code ignored;  // housekeeping will
        fs::remove(path_, ignored);
    }
    PassingFile(const PassingFile&) = delete;
    PassingFile& operator=(const PassingFile&) = delete;

    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

Clip cut_video(const ClipTools& tools, const JobClip& clip, const fs::path& into, const CutOptions& options) {
    try {
        return cut_clip(tools.open_video(clip.video), clip.span, into, options);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) throw;
        throw VideoGone(error.what());
    }
}

// Cuts it and puts it into its store. Returns the size of the file.
std::int64_t make_clip(const JobClip& clip, const fs::path& folder, const ClipTools& tools,
                       const std::function<bool()>& stopped) {
    const PassingFile file(folder);
    CutOptions options;
    options.progress = [&](double) {
        if (stopped()) throw Stopped{};
    };
    const Clip cut = cut_video(tools, clip, file.path(), options);
    tools.open_store(clip.file.store_uri, clip.file.store_access)
        ->write_file(clip.file.key, file.path(), mp4_for_browsers);
    return cut.bytes;
}

void make_planned_clips(Catalog& catalog, const Claim& claim, const fs::path& folder, const ClipTools& tools,
                        const std::function<bool()>& stopped) {
    while (std::optional<JobClip> clip = catalog.next_clip(claim)) {
        if (stopped()) throw Stopped{};
        std::string failure;
        bool gone = false;
        try {
            clip->bytes = make_clip(*clip, folder, tools, stopped);
        } catch (const std::exception& error) {
            if (stopped()) throw Stopped{};  // most likely the reason
            failure = error.what();
            gone = dynamic_cast<const VideoGone*>(&error) != nullptr;
        }
        if (failure.empty()) {
            catalog.put_clip(claim, *clip);
        } else {
            catalog.fail_clip(claim, *clip, failure, gone);
        }
    }
}

}  // namespace

std::vector<Catalog::ClipPlan> best_of_each_video(std::span<const ClipSpan> spans) {
    std::vector<Catalog::ClipPlan> best;
    for (std::size_t first = 0, end = 0; first < spans.size(); first = end) {
        const VideoId video = spans[first].video.id;
        std::vector<PlannedClip> clips;
        for (end = first; end < spans.size() && spans[end].video.id == video; ++end)
            clips.push_back({spans[end].span, spans[end].probability, {}});
        best.push_back({video, clips.at(static_cast<std::size_t>(best_clip(clips))).span});
    }
    return best;
}

void make_clips(Catalog& catalog, const Claim& claim, const ClipTools& tools,
                const std::function<bool()>& stopped) {
    std::string trouble;
    try {
        const ClipJob job = catalog.clip_job(claim);
        const std::vector<ClipSpan> spans = tools.plan(job);
        catalog.plan_clip_job(claim, best_of_each_video(spans));
        make_planned_clips(catalog, claim, tools.folder_of(job.event), tools, stopped);
    } catch (const Stopped&) {
        catalog.give_back_clip_job(claim);
        return;
    } catch (const std::exception& error) {
        if (stopped()) {  // most likely the reason
            catalog.give_back_clip_job(claim);
            return;
        }
        trouble = error.what();
    }
    catalog.finish_clip_job(claim, trouble);
}

struct ClipWorkers::Impl {
    Impl(Engine& serving, ClipWorkerOptions wanted)
        : engine(serving),
          options(std::move(wanted)),
          leases(
              options.lease,
              [this](const Claim& claim) { return engine.catalog().renew_clip_job(claim, options.lease); },
              options.on_problem),
          shift(
              options.threads, options.look_every,
              [this](const std::atomic<bool>& ending) { return work(ending); }, options.on_problem) {}

    bool work(const std::atomic<bool>& ending) {
        const auto claim = engine.catalog().claim_clip_job(options.lease);
        if (!claim) return false;
        const auto held = leases.hold(*claim);
        engine.make_clips(*claim, [&] { return ending || held->lost; });
        if (options.on_finished) tell_finished(*claim);
        return true;
    }

    void tell_finished(const Claim& claim) const {
        ClipJob job;
        try {
            job = engine.catalog().clip_job(claim);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) throw;
            return;  // removed meanwhile
        }
        if (job.state != ClipJobState::processing) options.on_finished(job);
    }

    Engine& engine;
    const ClipWorkerOptions options;
    LeaseKeeper leases;
    Shift shift;  // ends first
};

ClipWorkers::ClipWorkers(Engine& engine, const ClipWorkerOptions& options)
    : impl_(std::make_unique<Impl>(engine, options)) {}
ClipWorkers::~ClipWorkers() = default;

void ClipWorkers::wake() {
    impl_->shift.wake();
}

void ClipWorkers::end() {
    impl_->shift.end();
}

}  // namespace eventlens

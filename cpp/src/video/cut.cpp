#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "eventlens/error.h"
#include "eventlens/video.h"
#include "video/cut_methods.h"
#include "video/cut_writer.h"
#include "video/describe.h"

namespace eventlens {

namespace av {

void throw_outside(const TimeSpan& span) {
    throw Error(ErrorCode::bad_input,
                "the span lies outside the video, which ends before " + std::to_string(span.start) + " s");
}

}  // namespace av

namespace {

using av::CutRequest;
using av::CutSource;
using av::Written;

constexpr double writing_share = 0.6;  // of the whole work; the rest is checking

// Tells progress several times a second, and never less than before.
class Progress {
  public:
    explicit Progress(const std::function<void(double)>& tell) : tell_(tell) {}

    void operator()(double part) {
        constexpr auto pause = std::chrono::milliseconds(100);
        if (!told_at_ || std::chrono::steady_clock::now() - *told_at_ >= pause) tell(part);
    }

    void tell(double part) {
        if (!tell_) return;
        told_at_ = std::chrono::steady_clock::now();
        told_ = std::clamp(part, told_, 1.0);
        tell_(told_);
    }

  private:
    const std::function<void(double)>& tell_;
    std::optional<std::chrono::steady_clock::time_point> told_at_;
    double told_ = 0;
};

TimeSpan checked(TimeSpan span) {
    if (!std::isfinite(span.start) || !std::isfinite(span.end)) {
        throw Error(ErrorCode::bad_input, "the span's times are no numbers");
    }
    if (span.end <= span.start) throw Error(ErrorCode::bad_input, "the span is empty");
    if (span.end <= 0) throw Error(ErrorCode::bad_input, "the span lies before the video");
    span.start = std::max(span.start, 0.0);
    return span;
}

Clip describe(const CutSource& source, const Written& written, CutMethod method) {
    const AVCodecParameters& told = *source.video().codecpar;
    const bool even = method == CutMethod::encoded;
    Clip clip;
    clip.shown = {source.time(written.content.pictures.begin()->first), source.time(written.content.end)};
    clip.method = method;
    clip.codec = method == CutMethod::copied ? avcodec_get_name(told.codec_id) : "h264";
    const Size stored = even ? Size{told.width & ~1, told.height & ~1} : Size{told.width, told.height};
    clip.size = av::geometry_of(source.input(), stored).upright;
    clip.frames = std::ssize(written.content.pictures);
    clip.audio = written.content.sound;
    clip.note = written.note;
    return clip;
}

// Smart where that works, wholly encoded elsewhere.
Clip cut_exactly(CutSource& source, const CutRequest& request, const CutOptions& options,
                 Progress& progress) {
    const auto check = [&](const Written& written) {
        progress.tell(writing_share);
        return av::what_is_wrong(request.path, written.content,
                                 [&](double part) { progress(writing_share + (1 - writing_share) * part); });
    };
    std::string reason = "that was asked for";
    if (options.allow_smart) {
        try {
            const Written written = av::cut_smart(source, request);
            const std::string wrong = check(written);
            if (wrong.empty()) return describe(source, written, CutMethod::smart);
            reason = "decoded back, the copied parts were not right (" + wrong + ")";
        } catch (const av::CannotCutSmart& why) {
            reason = why.what();
        }
    }
    const Written written = av::cut_encoded(source, request);
    if (const std::string wrong = check(written); !wrong.empty()) {
        throw Error(ErrorCode::internal, "the clip is not right, decoded back: " + wrong);
    }
    Clip clip = describe(source, written, CutMethod::encoded);
    clip.note = "encoded anew, as " + reason + (clip.note.empty() ? "" : "; " + clip.note);
    return clip;
}

}  // namespace

Clip cut_clip(std::shared_ptr<const ByteSource> bytes, TimeSpan span, const std::filesystem::path& out,
              const CutOptions& options) {
    if (options.quality < 0 || options.quality > 51) {
        throw Error(ErrorCode::bad_input, "quality must be 0 to 51, not " + std::to_string(options.quality));
    }
    av::UnfinishedFile file(out);
    CutSource source(std::move(bytes));
    Progress progress(options.progress);
    const CutRequest request{checked(span), file.path(), options.quality, [&progress](double part) {
                                 progress(writing_share * std::clamp(part, 0.0, 1.0));
                             }};

    Clip clip;
    if (options.mode == CutMode::copy) {
        const Written written = av::cut_copied(source, request);
        clip = describe(source, written, CutMethod::copied);
    } else {
        clip = cut_exactly(source, request, options, progress);
    }
    progress.tell(1);
    clip.bytes = static_cast<std::int64_t>(std::filesystem::file_size(file.path()));
    file.complete();
    clip.path = out;
    return clip;
}

}  // namespace eventlens

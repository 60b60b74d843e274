#include "engine/video_run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/bounded_queue.h"
#include "bibs/evidence.h"
#include "engine/crew.h"
#include "engine/recognise.h"
#include "eventlens/error.h"
#include "eventlens/tracks.h"
#include "eventlens/video.h"

namespace eventlens {

namespace {

// Seconds of footage between commits: the first when nobody is in view, the second in any case.
constexpr double quiet_piece = 10;
constexpr double longest_piece = 60;

// Seconds between looks for text. A number below a face that is followed stays legible for many frames. One
// without a face must be seen again before its wearer counts as gone, in less than
// TrackOptions::longest_loss.
constexpr double between_whole_looks = 2.0;
constexpr double between_looks_at_lone_numbers = 0.75;
constexpr double between_torso_looks = 0.5;

// A first look at every frame is small and believes little. Where it sees a face that is small or doubtful, a
// closer look is worth three times its cost. Pixels of the long side, and of a face in the first look.
constexpr int first_long_side = 1000;
constexpr double hint_confidence = 0.4;
constexpr float large_face = 24;
constexpr int close_long_side = 1536;

// Looks that make up an appearance's embedding: small faces gain by more than the tracker's usual five
// (bench/quality/video.py).
constexpr int looks_embedded = 8;

constexpr std::size_t frames_ahead = 4;

struct Sightings {
    std::vector<Face> faces;  // without embeddings
    std::vector<BibRead> reads;
    bool looked_for_text = false;  // everywhere, not below faces alone

    // Whether somebody seems to be there. Most text without a digit is the sponsors'.
    bool hint_at_people() const { return !faces.empty() || std::ranges::any_of(reads, has_digit); }

    // Whether a number is there whose wearer's face is not seen.
    bool lone_number() const {
        return std::ranges::any_of(
            reads, [](const BibRead& read) { return has_digit(read) && !Evidence::of(read).near_face; });
    }

    static bool has_digit(const BibRead& read) {
        return std::ranges::any_of(read.text, [](char c) { return c >= '0' && c <= '9'; });
    }
};

// A frame to be looked at or, without one, the end of a group of pictures.
struct Item {
    std::optional<VideoFrame> frame{};
    std::optional<Sightings> seen{};  // it was looked at already
    double until = 0;  // when the next frame is shown that will be looked at; of an end: its time
    std::int64_t damaged_frames = 0;
    bool last = false;
    bool reading_may_begin_here = false;  // of an end: a keyframe follows
};

// Trouble of the catalog's: it ends the whole run, not this video alone.
struct Fatal {
    std::exception_ptr reason;
};

// Whether a multiple of `period` lies in [from, until): so reading that was interrupted looks when reading
// that was not would have.
bool falls_due(double period, double from, double until) {
    return std::ceil(from / period) * period < until;
}

// Looks at single frames: for faces at each, for text now and then.
class Looker {
  public:
    explicit Looker(const VideoRun& run) : run_(run) {}

    std::vector<Face> faces(ImageView frame) const {
        const int longer = std::max(frame.size.width, frame.size.height);
        if (longer <= first_long_side) return run_.faces.detect(frame);
        std::vector<Face> faces = run_.faces.detect(frame, {first_long_side, hint_confidence});
        const float large = large_face * static_cast<float>(longer) / first_long_side;
        const bool clear = std::ranges::all_of(faces, [&](const Face& face) {
            return face.confidence >= run_.faces.min_confidence() &&
                   std::max(face.box.width, face.box.height) >= large;
        });
        return clear ? faces : run_.faces.detect(frame, {.max_long_side = close_long_side});
    }

    // `span`: from this frame to the next one that will be looked at. `lone_number`: one was there before.
    Sightings look(ImageView frame, TimeSpan span, bool lone_number) const {
        Sightings seen;
        seen.faces = faces(frame);
        const ReadOptions where{
            .whole = falls_due(lone_number ? between_looks_at_lone_numbers : between_whole_looks, span.start,
                               span.end),
            .torsos = !seen.faces.empty() && falls_due(between_torso_looks, span.start, span.end)};
        if (where.whole || where.torsos) seen.reads = run_.bibs.read_text(frame, seen.faces, where);
        seen.looked_for_text = where.whole;
        return seen;
    }

  private:
    const VideoRun& run_;
};

// Chooses the frames to look at. Where keyframes are close together, they are looked at alone, until they
// show somebody or a number; all other footage is read densely.
class FrameChooser {
  public:
    FrameChooser(const VideoRun& run, VideoReader& reader) : run_(run), reader_(reader), looker_(run) {}

    // Gives every frame and every end of a group, in order of time; `give` returns false to stop.
    template <typename Give>
    void read(double from, Give&& give) {
        bool going_on = true;
        // A frame is given once it is known when the next one comes.
        std::optional<Item> waiting;
        const auto pass_on = [&](double until) {
            if (!waiting) return;
            waiting->until = until;
            going_on = going_on && give(std::move(*waiting));
            waiting.reset();
        };
        const auto queue = [&](VideoFrame&& frame, std::optional<Sightings> seen) {
            pass_on(frame.time);
            waiting.emplace(Item{.frame = std::move(frame), .seen = std::move(seen)});
        };

        const double rate = reader_.info().frame_rate;
        const double half_frame = rate > 0 ? 0.5 / rate : 0;  // of leeway for times that were rounded
        if (from > 0) reader_.seek(from);
        std::optional<FrameGroup> group = reader_.next_group();
        std::optional<Keyframe> keyframe;  // of `group`, if it was looked at already
        while (group && going_on) {
            std::optional<FrameGroup> next = reader_.next_group();
            const bool sparse = group->starts_at_keyframe && (!next || next->starts_at_keyframe) &&
                                group->span.length() <= run_.options.shortest_appearance + half_frame;
            if (sparse && !keyframe) keyframe = look_at_keyframe(*group);
            std::optional<Keyframe> next_keyframe;
            const bool somebody_here = keyframe && keyframe->seen.hint_at_people();
            if (sparse && keyframe && !somebody_here && next) next_keyframe = look_at_keyframe(*next);

            if (sparse && keyframe && !somebody_here &&
                !(next_keyframe && next_keyframe->seen.hint_at_people())) {
                queue(std::move(keyframe->frame), std::move(keyframe->seen));
            } else {
                reader_.frames(*group, run_.options.fps, [&](VideoFrame&& frame) {
                    std::optional<Sightings> seen;
                    if (keyframe && keyframe->frame.time == frame.time) seen = std::move(keyframe->seen);
                    queue(std::move(frame), std::move(seen));
                });
            }
            pass_on(group->span.end);
            Item end{.until = group->span.end, .damaged_frames = reader_.damaged_frames(), .last = !next};
            end.reading_may_begin_here = next && next->starts_at_keyframe;
            going_on = going_on && give(std::move(end));
            group = std::move(next);
            keyframe = std::move(next_keyframe);
        }
    }

  private:
    // One that was looked at already.
    struct Keyframe {
        VideoFrame frame;
        Sightings seen;
    };

    std::optional<Keyframe> look_at_keyframe(const FrameGroup& group) {
        std::optional<VideoFrame> frame = reader_.keyframe(group);
        if (!frame) return std::nullopt;
        Sightings seen = looker_.look(frame->image.view(), group.span, false);
        return Keyframe{*std::move(frame), std::move(seen)};
    }

    const VideoRun& run_;
    VideoReader& reader_;
    Looker looker_;
};

// Boxes of what was found in a shrunk frame, in pixels of the video; and back again.
void scale(Appearance& appearance, const PixelScale& scale) {
    for (Waypoint& waypoint : appearance.path) waypoint.box = scale(waypoint.box);
    if (appearance.face) scale_face(*appearance.face, scale);
    for (TimedRead& timed : appearance.bib_reads) scale_read(timed.read, scale);
}

// Follows the people in the frames, and commits.
class Follower {
  public:
    Follower(const VideoRun& run, const VideoInfo& info, VideoReading reading, VideoOutcome& outcome)
        : run_(run),
          info_(info),
          reading_(std::move(reading)),
          looker_(run),
          outcome_(outcome),
          position_(reading_.indexed_until) {}

    // The frame shown just before the footage begins, so that a cut at its very start is seen.
    void see_before(const VideoFrame& frame) { scenes_.observe(frame.image.view(), frame.time); }

    // False: stop.
    bool take(Item&& item) {
        if (item.frame) {
            look(item);
        } else if (!end_of_group(item)) {
            return false;
        }
        return go_on_from(item.until);
    }

    // What was read before the video gave out is kept.
    void give_out(const std::string& reason) {
        outcome_.failure = reason;
        try {
            commit(
                {.until = position_, .finished = true, .damaged_frames = damaged_frames_, .failure = reason});
        } catch (const Fatal& trouble) {
            std::rethrow_exception(trouble.reason);
        }
    }

  private:
    void look(Item& item) {
        const VideoFrame& frame = *item.frame;
        const ImageView image = frame.image.view();
        Tracker& tracker = tracker_for(image.size);
        Sightings seen =
            item.seen ? std::move(*item.seen) : looker_.look(image, {frame.time, item.until}, lone_number_);
        if (seen.looked_for_text) lone_number_ = seen.lone_number();
        const bool cut = scenes_.observe(image, frame.time);
        const std::vector<int> wanted = tracker.observe({.time = frame.time,
                                                         .duration = std::max(0.0, item.until - frame.time),
                                                         .faces = seen.faces,
                                                         .bib_reads = seen.reads,
                                                         .scene_change = cut});
        std::vector<Face> faces;
        faces.reserve(wanted.size());
        for (const int face : wanted) faces.push_back(seen.faces[static_cast<std::size_t>(face)]);
        run_.faces.embed(image, faces);
        for (std::size_t i = 0; i < wanted.size(); ++i) tracker.embedded(wanted[i], faces[i].embedding);
    }

    Tracker& tracker_for(Size image) {
        if (tracker_) return *tracker_;
        to_video_ = {static_cast<float>(info_.size.width) / static_cast<float>(image.width),
                     static_cast<float>(info_.size.height) / static_cast<float>(image.height)};
        std::vector<Appearance> going_on = reading_.going_on;
        for (Appearance& appearance : going_on) scale(appearance, to_video_.inverse());
        TrackOptions options;
        options.embeddings = looks_embedded;
        if (const auto& calibration = run_.faces.embedder().calibration) options.calibration = *calibration;
        return tracker_.emplace(options, going_on);
    }

    // False: another run has taken the video over.
    bool end_of_group(const Item& item) {
        damaged_frames_ = item.damaged_frames + damaged_before_;
        const double piece = item.until - reading_.indexed_until;
        const bool quiet = !tracker_ || !tracker_->anyone();
        const bool due =
            item.reading_may_begin_here && (piece >= longest_piece || (quiet && piece >= quiet_piece));
        if (!item.last && !due) return true;
        if (item.last) outcome_.failure = missing_rest(item.until);
        return commit({.until = item.until,
                       .finished = item.last,
                       .damaged_frames = damaged_frames_,
                       .failure = outcome_.failure});
    }

    // Says so when the file ends before the video does, as it says itself: it was cut short.
    std::string missing_rest(double end) const {
        constexpr double leeway = 1;  // seconds; what files say of their length is seldom exact
        if (end + leeway >= info_.duration) return {};
        std::array<char, 100> text{};
        std::snprintf(text.data(), text.size(), "the file breaks off: it holds %.1f of its %.1f seconds", end,
                      info_.duration);
        return text.data();
    }

    bool commit(VideoFootage footage) {
        if (tracker_) footage.appearances = tracker_->finish(footage.until);
        for (Appearance& appearance : footage.appearances) scale(appearance, to_video_);
        const auto count = std::ranges::count(footage.appearances, -1, &Appearance::continues);
        bool ours = false;
        try {
            ours = run_.catalog.put_footage(reading_, footage);
        } catch (...) {
            throw Fatal{std::current_exception()};
        }
        if (!ours) {
            outcome_.stopped = true;  // another run reads this video now
            return false;
        }
        outcome_.appearances += count;
        outcome_.damaged_frames = footage.damaged_frames;
        tracker_.reset();
        lone_number_ = false;
        return true;
    }

    bool go_on_from(double time) {
        const double seconds = std::max(0.0, time - position_);
        position_ += seconds;
        if (run_.tell({seconds, position_, info_.duration})) return true;
        outcome_.stopped = true;
        return false;
    }

    const VideoRun& run_;
    const VideoInfo& info_;
    VideoReading reading_;
    Looker looker_;
    VideoOutcome& outcome_;
    SceneChange scenes_;
    std::optional<Tracker> tracker_;  // of the piece since the last commit
    PixelScale to_video_;
    bool lone_number_ = false;  // when text was last looked for
    double position_ = 0;
    const std::int64_t damaged_before_ = reading_.damaged_frames;
    std::int64_t damaged_frames_ = damaged_before_;
};

// Reads on a thread of its own, some frames ahead, and takes on this one.
void read_ahead(FrameChooser& chooser, double from, Follower& follower) {
    BoundedQueue<Item> items(frames_ahead);
    std::exception_ptr trouble;
    {
        Crew crew([&] { items.close(); });
        crew.add([&] {
            try {
                chooser.read(from, [&](Item&& item) { return items.push(std::move(item)); });
            } catch (...) {
                trouble = std::current_exception();
            }
            items.close();
        });
        while (auto item = items.pop()) {
            if (!follower.take(std::move(*item))) return;
        }
    }
    if (trouble) std::rethrow_exception(trouble);
}

// Whether more is known of a video, with the content that it has, than that it failed.
bool is_processed(const Catalog& catalog, SourceId source, const VideoRecord& video) {
    const std::optional<VideoEntry> known = catalog.find_video_by_key(source, video.key);
    return known && known->failure.empty() && known->fingerprint == video.fingerprint;
}

}  // namespace

VideoOutcome index_video(const VideoRun& run) {
    VideoOutcome outcome;
    VideoRecord record{run.object.key, run.object.fingerprint(), run.object.size, {}, {}};
    std::shared_ptr<const ByteSource> bytes;
    std::optional<VideoReader> reader;
    try {
        bytes = run.media.open(run.object.key);
        reader = VideoReader::open(bytes);
        record.info = reader->info();
    } catch (const Error& error) {
        record.failure = outcome.failure = error.what();
        if (not_given(error) || (!bytes && is_processed(run.catalog, run.source, record))) {
            outcome.unread = error;  // the next run looks again
        } else {
            run.catalog.begin_video(run.source, run.recognition, record);
        }
        return outcome;
    }

    VideoReading reading = run.catalog.begin_video(run.source, run.recognition, record);
    if (reading.finished) return outcome;  // by another run, meanwhile
    const double from = reading.indexed_until;
    Follower follower(run, record.info, std::move(reading), outcome);
    FrameChooser chooser(run, *reader);
    try {
        if (from > 0) follower.see_before(read_frame(bytes, from - 1 / run.options.fps));
        if (run.decode_ahead) {
            read_ahead(chooser, from, follower);
        } else {
            chooser.read(from, [&](Item&& item) { return follower.take(std::move(item)); });
        }
    } catch (const Fatal& trouble) {
        std::rethrow_exception(trouble.reason);
    } catch (const std::bad_alloc&) {
        outcome.failure = "not enough memory for this video";  // there may be more next time
    } catch (const Error& error) {
        outcome.failure = error.what();
        if (not_given(error)) {
            outcome.unread = error;  // the next run goes on
        } else {
            follower.give_out(error.what());
        }
    } catch (const std::exception& error) {
        follower.give_out(error.what());
    }
    return outcome;
}

}  // namespace eventlens

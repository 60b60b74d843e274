#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "eventlens/engine.h"
#include "eventlens/error.h"
#include "eventlens/storage.h"

namespace eventlens {

// How far the reading of one video is.
struct VideoStep {
    double seconds = 0;   // of footage read since the last step
    double position = 0;  // seconds from the video's start
    double duration = 0;  // of the whole video
};

// Everything that reading one video works with.
struct VideoRun {
    Catalog& catalog;
    SourceId source;
    const Recognition& recognition;
    const Source& media;
    const StoredObject& object;
    const FaceFinder& faces;
    const BibReader& bibs;
    FootageOptions options;
    bool decode_ahead = false;  // on a thread of its own

    // Told after each frame, on the thread that called index_video(). False: stop, keeping what is committed.
    std::function<bool(const VideoStep&)> tell;
};

// What came of it.
struct VideoOutcome {
    bool stopped = false;         // tell() said so, or another run took the video over
    std::string failure;          // why it could not be read, or not to its end
    std::optional<Error> unread;  // the same, where the source did not give it: that is not remembered
    std::int64_t appearances = 0;
    std::int64_t damaged_frames = 0;
};

// Whether a source did not give an object: it is gone, or the source refuses or is in trouble. That says
// nothing of the object, so it is no reason to remember it as failed, nor to forget what is known of it.
inline bool not_given(const Error& error) {
    return error.code() == ErrorCode::not_found || error.code() == ErrorCode::denied ||
           error.code() == ErrorCode::overloaded;
}

// Reads a video, or the rest of one whose reading was interrupted, and commits the appearances in it piece by
// piece: wherever nobody is in view, and every minute at the latest. A piece ends at a keyframe, and the next
// begins as if the video were opened anew there, so that however often reading is interrupted, the same
// appearances come out. Throws what the catalog and tell() throw; all other trouble is the video's failure.
VideoOutcome index_video(const VideoRun& run);

}  // namespace eventlens

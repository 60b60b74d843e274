#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "eventlens/bibs.h"
#include "eventlens/faces.h"
#include "eventlens/image.h"
#include "eventlens/video.h"

namespace eventlens {

// Where somebody was at a time, in pixels of the upright video.
struct Waypoint {
    double time = 0;
    Rect box;  // of the face, else of the bib
    bool operator==(const Waypoint&) const = default;
};

// A read of a bib in one frame. Reads of one frame that look at the same place carry the same place number in
// their evidence; those of different frames have nothing to do with each other's.
struct TimedRead {
    double time = 0;
    BibRead read;
};

// Somebody in view without interruption, as far as was seen.
struct Appearance {
    TimeSpan span;
    std::int64_t sightings = 0;  // frames in which they were seen
    std::vector<Waypoint> path;  // thinned: where they were, first and last always
    // The best look at the face, at `face_time`. Its embedding is the mean of the best looks weighted by
    // their quality, of unit length; empty where no face was fit to be told from others, and then `face` may
    // be empty too.
    std::optional<Face> face;
    double face_time = 0;
    int faces_embedded = 0;  // looks that went into the embedding
    std::vector<TimedRead>
        bib_reads;         // by time; of at most so many frames as TrackOptions::frames_with_reads
    bool goes_on = false;  // still in view where the footage handed to the tracker ended
    // Which of the appearances that the tracker was given at its start this one continues; -1: none. It then
    // is a further piece of that one, which begins where that one ended and holds only what was seen since.
    int continues = -1;
};

// What was seen in one frame.
struct FrameSightings {
    double time = 0;
    double duration = 0;                 // until the next frame that will be looked at
    std::span<const Face> faces;         // embeddings are not looked at
    std::span<const BibRead> bib_reads;  // everything read in this frame
    bool scene_change = false;           // the footage was cut between the frame before and this one
};

struct TrackOptions {
    double longest_loss = 1.0;   // seconds; somebody unseen for longer has left
    int embeddings = 5;          // looks that make up an appearance's embedding
    int frames_with_reads = 12;  // kept for an appearance, the most telling ones
    double path_step = 0.5;      // seconds between waypoints; grows for who stays longer than 4 minutes
    // Of the model that makes the embeddings: lets these part whom motion alone took for one person, and find
    // again whom it lost. With a slope of 0 motion decides alone.
    Calibration calibration{};
};

// Joins what is seen in the frames of one video into appearances: faces by where they are and how they move,
// bibs to the face above them or, where none is seen, to the same text at a place nearby. What was seen once
// is an appearance too, be it a mistake of the detector's.
//
// Somebody came into view between the frame that first shows them and the one before it, at any moment alike:
// an appearance starts in the middle, which is off by a quarter of the step in the median and never by more
// than half of it, and ends likewise. It does not reach beyond a cut in the footage, nor further than
// longest_loss from where they were seen. Pure. Thread safety: none.
class Tracker {
  public:
    // `going_on`: those that were in view where earlier footage of the video ended, so that they are taken up
    // again.
    explicit Tracker(const TrackOptions& options = {}, std::span<const Appearance> going_on = {});

    Tracker(Tracker&&) noexcept;
    Tracker& operator=(Tracker&&) noexcept;
    ~Tracker();

    // Takes in the next frame; times must grow, else Error(bad_input), as for reads whose evidence another
    // version laid out. Returns the faces (their places in `frame.faces`) that are worth an embedding: better
    // looks than those the appearance has, and those that motion alone might mistake for somebody else. Hand
    // each to embedded() before the next frame, or leave it.
    std::vector<int> observe(const FrameSightings& frame);

    // The embedding of a face that the last observe() asked for, of unit length. Throws Error(bad_input) for
    // another face.
    void embedded(int face, const Embedding& embedding);

    // Whether anybody is in view.
    bool anyone() const;

    // Appearances that have ended since the last call, by their start.
    std::vector<Appearance> take_ended();

    // Ends everything at `time`, the end of the footage handed over (the last frame's time, if that is
    // later), and returns what take_ended() had left too. Those seen last shortly before are marked goes_on.
    std::vector<Appearance> finish(double time);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Tells where footage was cut: the picture as a whole changes at once, more than the motion of a camera does.
// Thread safety: none.
class SceneChange {
  public:
    SceneChange();
    SceneChange(SceneChange&&) noexcept;
    SceneChange& operator=(SceneChange&&) noexcept;
    ~SceneChange();

    // Frames in order of time. True: this one belongs to another scene than the one before.
    bool observe(ImageView frame, double time);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Makes one list of bibs of what was read of one person in several frames, surest first, each text once. The
// chance that a text is right is one less the chance that all frames that read it are wrong; as frames of one
// appearance are alike, so are their errors, and a further frame counts for less than the first (`frames.cpp`
// says how it was measured). Frames that read another text speak against it.
std::vector<Bib> interpret_frames(std::span<const TimedRead> reads, const BibInterpreter& interpreter);

}  // namespace eventlens

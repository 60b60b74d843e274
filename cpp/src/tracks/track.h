#pragma once

#include <optional>
#include <vector>

#include "eventlens/tracks.h"
#include "tracks/kept_reads.h"
#include "tracks/looks.h"
#include "tracks/motion.h"

namespace eventlens {

// Where somebody was, at steps of at least so many seconds, first and last always. Beyond 512 waypoints every
// other one goes and the step doubles: an hour in view takes no more memory than some minutes.
class Path {
  public:
    explicit Path(double step) : step_(step) {}

    void add(Waypoint point);
    void absorb(const Path& other);
    const std::vector<Waypoint>& points() const { return points_; }

  private:
    double step_;
    std::vector<Waypoint> points_;
};

// Where a bib hangs, seen from the face: its centre to the side and below the chin, in heights of the face.
struct Hang {
    double aside = 0;
    double below = 0;
};

// Somebody in view, or lost for a moment.
struct Track {
    Track(const TrackOptions& options, Rect box, double unit, double time, bool is_face)
        : motion(box, unit, time),
          looks(options.embeddings),
          reads(options.frames_with_reads),
          path(options.path_step),
          has_face(is_face),
          last_seen(time) {}

    Motion motion;  // of the face, as soon as one was seen, else of the bib
    Looks looks;
    KeptReads reads;
    Path path;
    bool has_face;
    std::optional<Hang> hang;

    double start = 0;
    double first_seen = 0;
    double last_seen;
    std::optional<double> missed;  // when they were first looked for and not seen after last_seen
    std::int64_t sightings = 0;    // 0: in view in earlier footage, not found again yet
    int continues = -1;

    // What embeddings are compared with: the mean of the looks, or of the earlier footage's.
    Embedding earlier;
    double earlier_quality = 0;

    // They were seen in a frame; several sightings in one frame count once.
    void sight(double time, Rect shown);

    // The other was the same person all along.
    void absorb(Track&& other);

    Appearance appearance(double end) const;
};

}  // namespace eventlens

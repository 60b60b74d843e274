#pragma once

#include <optional>
#include <vector>

#include "catalog/sqlite.h"
#include "eventlens/catalog.h"

namespace eventlens {

// Stores what the footage of one video showed, inside a transaction.
class AppearanceWriter {
  public:
    explicit AppearanceWriter(sqlite::Database& database) : database_(database) {}

    // `continued`: the piece before of the same appearance. Throws Error(bad_input) for numbers that are not
    // finite and for a piece that is none of the video's.
    AppearanceId put(const Appearance& seen, std::optional<AppearanceId> continued);

    EventId event = 0;
    VideoId video = 0;
    std::int64_t embedder = 0;
    std::int64_t change = 0;

  private:
    void put_face(AppearanceId appearance, const Face& face);
    void put_reads(AppearanceId appearance, std::span<const TimedRead> reads);

    sqlite::Database& database_;
};

// Those in view where reading the video has come to, in the order they were put.
std::vector<AppearanceContent> appearances_going_on(sqlite::Database& database, VideoId video,
                                                    std::int64_t embedder);

}  // namespace eventlens

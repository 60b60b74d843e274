#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "eventlens/catalog.h"

namespace eventlens::server {

// An event's photos in the order in which they are shown: by capture time, those without one last, then by
// UUID.
struct Album {
    std::int64_t counter = 0;        // Catalog::change_counter()
    std::vector<PhotoPlace> places;  // as Catalog::photo_order()
    std::size_t timed = 0;           // how many have a time; they come first
    std::chrono::steady_clock::time_point read;
    std::chrono::steady_clock::duration took{};

    // Photos taken from `from` on and before `to`, in UTC milliseconds.
    std::span<const PhotoPlace> between(UtcMilliseconds from, UtcMilliseconds to) const;
};

// The albums that are asked for, in memory: a page of a hundred thousand photos costs what it shows. What any
// process commits is in them within a second. Thread safe.
class Albums {
  public:
    explicit Albums(const Catalog& catalog) : catalog_(catalog) {}

    std::shared_ptr<const Album> album(EventId event);

  private:
    struct Entry {
        std::mutex reading;
        std::shared_ptr<const Album> album;
    };

    const Catalog& catalog_;
    std::mutex mutex_;
    std::map<EventId, std::shared_ptr<Entry>> entries_;
};

}  // namespace eventlens::server

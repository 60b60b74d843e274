#include "server/album.h"

#include <algorithm>

namespace eventlens::server {

namespace {

using Clock = std::chrono::steady_clock;

// An album that is read so quickly is read at every change; larger ones at most once a second.
constexpr std::chrono::milliseconds quickly{5};
constexpr std::chrono::milliseconds oldest{1000};

bool is_good(const Album& album, std::int64_t counter, Clock::time_point now) {
    if (album.counter == counter) return true;
    return album.took > quickly && now - album.read < oldest;
}

}  // namespace

std::span<const PhotoPlace> Album::between(UtcMilliseconds from, UtcMilliseconds to) const {
    const auto with_time = std::span(places).first(timed);
    const auto time_of = [](const PhotoPlace& place) { return *place.captured_utc; };
    const auto first = std::ranges::lower_bound(with_time, from, {}, time_of);
    const auto last = std::ranges::lower_bound(with_time, to, {}, time_of);
    if (last <= first) return {};
    return {first, last};
}

std::shared_ptr<const Album> Albums::album(EventId event) {
    const std::int64_t counter = catalog_.change_counter(event);  // throws for an event that is gone
    std::shared_ptr<Entry> entry;
    {
        const std::lock_guard lock(mutex_);
        auto& known = entries_[event];
        if (!known) known = std::make_shared<Entry>();
        entry = known;
    }
    const std::lock_guard lock(entry->reading);  // one reads, the others wait for what it reads
    const auto begun = Clock::now();
    if (entry->album && is_good(*entry->album, counter, begun)) return entry->album;
    auto fresh = std::make_shared<Album>();
    fresh->counter = catalog_.change_counter(event);
    fresh->places = catalog_.photo_order(event);
    const auto untimed = std::ranges::find_if(
        fresh->places, [](const PhotoPlace& place) { return !place.captured_utc.has_value(); });
    fresh->timed = static_cast<std::size_t>(untimed - fresh->places.begin());
    fresh->read = begun;
    fresh->took = Clock::now() - begun;
    entry->album = fresh;
    return fresh;
}

}  // namespace eventlens::server

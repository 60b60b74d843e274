#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "eventlens/catalog.h"
#include "eventlens/gallery.h"

namespace eventlens {

// One event's gallery, brought up to date with the catalog before each use: what this or another process has
// committed, and what the event's rules make of the stored bib reads now. Thread safety: use() may be called
// from many threads at once.
class LiveGallery {
  public:
    // `catalog` and `embedder` must outlive this.
    LiveGallery(const Catalog& catalog, EventId event, const ModelEntry& embedder);

    // Returns use(gallery), under a lock that other uses share.
    template <typename Use>
    auto use(Use&& use) {
        refresh();
        const std::shared_lock lock(mutex_);
        return use(std::as_const(gallery_));
    }

  private:
    void refresh();
    void take_over_changes();
    void follow(BibRules rules);

    const Catalog& catalog_;
    const EventId event_;
    const ModelEntry& embedder_;
    std::shared_mutex mutex_;
    Gallery gallery_;
    BibRules rules_;
    BibInterpreter interpreter_{rules_};
    std::int64_t counter_ = 0;  // of the catalog's changes that gallery_ and rules_ know
};

// What a bib of this event looks like, from its settings and roster.
BibRules rules_of(const Catalog& catalog, EventId event);

}  // namespace eventlens

#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "eventlens/catalog.h"
#include "eventlens/gallery.h"

namespace eventlens {

// What can be found in an event.
class EventGallery {
  public:
    explicit EventGallery(const ModelEntry& embedder);

    const Gallery& photos() const { return photos_; }

    // Appearances that show the person seen in all of `probes`, and those of a bib number; surest first.
    // Where one piece of a long appearance is found, all are: they are as sure as the surest.
    std::vector<AppearanceMatch> match_faces(std::span<const Probe> probes,
                                             const MatchOptions& options) const;
    std::vector<AppearanceMatch> find_bib(std::string_view text) const;

    void put(const PhotoContent& photo, const BibInterpreter& interpreter);
    void put(const AppearanceContent& appearance, const BibInterpreter& interpreter);
    void remove_photo(PhotoId photo);
    void remove_appearance(AppearanceId appearance);

  private:
    std::vector<AppearanceMatch> whole_chains(std::span<const Match> matches) const;

    Gallery photos_;
    Gallery appearances_;  // one face each; an appearance's id stands where a photo's would
    std::unordered_map<AppearanceId, AppearanceId> chains_;               // of appearances in several pieces
    std::unordered_map<AppearanceId, std::vector<AppearanceId>> pieces_;  // of each chain, the first included
};

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
    EventGallery gallery_;
    BibRules rules_;
    BibInterpreter interpreter_{rules_};
    std::int64_t counter_ = 0;             // of the catalog's changes that gallery_ and rules_ know
    std::int64_t appearance_counter_ = 0;  // the same of appearances
};

// What a bib of this event looks like, from its settings and roster.
BibRules rules_of(const Catalog& catalog, EventId event);

}  // namespace eventlens

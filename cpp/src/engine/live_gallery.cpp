#include "engine/live_gallery.h"

#include <unordered_set>
#include <utility>

#include "eventlens/error.h"
#include "eventlens/tracks.h"

namespace eventlens {

namespace {

Gallery empty_gallery(const ModelEntry& embedder) {
    GalleryOptions options;
    if (embedder.calibration) options.calibration = *embedder.calibration;
    return Gallery(embedder.output_size, options);
}

}  // namespace

BibRules rules_of(const Catalog& catalog, EventId event) {
    BibRules rules;
    rules.pattern = catalog.event(event).settings.bib_pattern;
    for (RosterEntry& entry : catalog.roster(event)) rules.roster.push_back(std::move(entry.bib));
    return rules;
}

EventGallery::EventGallery(const ModelEntry& embedder)
    : photos_(empty_gallery(embedder)), appearances_(empty_gallery(embedder)) {}

void EventGallery::put(const PhotoContent& photo, const BibInterpreter& interpreter) {
    // Until this model has seen the photo too, its faces have no embeddings.
    photos_.put(photo.photo, photo.embedded ? photo.faces : std::vector<Face>{},
                interpreter.interpret(photo.bib_reads));
    photos_.hide(photo.photo, photo.hidden);
}

void EventGallery::put(const AppearanceContent& appearance, const BibInterpreter& interpreter) {
    const std::optional<Face>& face = appearance.seen.face;
    const bool embedded = face && !face->embedding.empty();
    appearances_.put(appearance.appearance, embedded ? std::vector<Face>{*face} : std::vector<Face>{},
                     interpret_frames(appearance.seen.bib_reads, interpreter));
    appearances_.hide(appearance.appearance, appearance.hidden);
    if (appearance.chain == appearance.appearance) return;
    if (!chains_.emplace(appearance.appearance, appearance.chain).second) return;
    std::vector<AppearanceId>& pieces = pieces_[appearance.chain];
    if (pieces.empty()) {
        pieces.push_back(appearance.chain);
        chains_.emplace(appearance.chain, appearance.chain);
    }
    pieces.push_back(appearance.appearance);
}

void EventGallery::remove_photo(PhotoId photo) {
    photos_.remove(photo);
}

void EventGallery::remove_appearance(AppearanceId appearance) {
    appearances_.remove(appearance);
    const auto chain = chains_.find(appearance);
    if (chain == chains_.end()) return;
    const auto pieces = pieces_.find(chain->second);
    std::erase(pieces->second, appearance);
    if (pieces->second.empty()) pieces_.erase(pieces);
    chains_.erase(chain);
}

std::vector<AppearanceMatch> EventGallery::match_faces(std::span<const Probe> probes,
                                                       const MatchOptions& options) const {
    return whole_chains(appearances_.match_faces(probes, options));
}

std::vector<AppearanceMatch> EventGallery::find_bib(std::string_view text) const {
    return whole_chains(appearances_.find_bib(text));
}

std::vector<AppearanceMatch> EventGallery::whole_chains(std::span<const Match> matches) const {
    std::vector<AppearanceMatch> found;
    std::unordered_set<AppearanceId> known;
    for (const Match& match : matches) {  // surest first: of a chain, the surest piece speaks for all
        const auto chain = chains_.find(match.photo);
        const std::vector<AppearanceId> alone{match.photo};
        for (const AppearanceId piece : chain == chains_.end() ? alone : pieces_.at(chain->second)) {
            if (known.insert(piece).second)
                found.push_back({piece, match.kind, match.probability, match.similarity, match.bib});
        }
    }
    return found;
}

LiveGallery::LiveGallery(const Catalog& catalog, EventId event, const ModelEntry& embedder)
    : catalog_(catalog), event_(event), embedder_(embedder), gallery_(embedder) {}

void LiveGallery::refresh() {
    const std::int64_t now = catalog_.change_counter(event_);
    {
        const std::shared_lock lock(mutex_);
        if (counter_ == now) return;
    }
    const std::unique_lock lock(mutex_);
    if (counter_ == 0) follow(rules_of(catalog_, event_));
    take_over_changes();
}

void LiveGallery::follow(BibRules rules) {
    interpreter_ = BibInterpreter(rules);
    rules_ = std::move(rules);
}

void LiveGallery::take_over_changes() {
    const auto take_over = [&] {
        const EventChanges photos = catalog_.changes_since(
            event_, counter_, embedder_.name,
            [&](PhotoContent&& content) { gallery_.put(content, interpreter_); },
            [&](PhotoId photo) { gallery_.remove_photo(photo); });
        const EventChanges appearances = catalog_.appearance_changes_since(
            event_, appearance_counter_, embedder_.name,
            [&](AppearanceContent&& content) { gallery_.put(content, interpreter_); },
            [&](AppearanceId appearance) { gallery_.remove_appearance(appearance); });
        counter_ = photos.counter;
        appearance_counter_ = appearances.counter;
        return photos.settings_changed || appearances.settings_changed;
    };
    // The rules decide what every stored read means: when they change, everything is read again.
    while (take_over()) {
        BibRules rules = rules_of(catalog_, event_);
        if (rules.pattern == rules_.pattern && rules.roster == rules_.roster) return;
        follow(std::move(rules));
        gallery_ = EventGallery(embedder_);
        counter_ = 0;
        appearance_counter_ = 0;
    }
}

}  // namespace eventlens

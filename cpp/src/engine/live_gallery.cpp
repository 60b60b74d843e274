#include "engine/live_gallery.h"

#include <utility>

#include "eventlens/error.h"

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

LiveGallery::LiveGallery(const Catalog& catalog, EventId event, const ModelEntry& embedder)
    : catalog_(catalog), event_(event), embedder_(embedder), gallery_(empty_gallery(embedder)) {}

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
        const EventChanges changes = catalog_.changes_since(
            event_, counter_, embedder_.name,
            [&](PhotoContent&& content) {
                if (!content.embedded) content.faces.clear();  // until this model has seen the photo too
                gallery_.put(content.photo, content.faces, interpreter_.interpret(content.bib_reads));
                gallery_.hide(content.photo, content.hidden);
            },
            [&](PhotoId photo) { gallery_.remove(photo); });
        counter_ = changes.counter;
        return changes.settings_changed;
    };
    // The rules decide what every stored read means: when they change, everything is read again.
    while (take_over()) {
        BibRules rules = rules_of(catalog_, event_);
        if (rules.pattern == rules_.pattern && rules.roster == rules_.roster) return;
        follow(std::move(rules));
        gallery_ = empty_gallery(embedder_);
        counter_ = 0;
    }
}

}  // namespace eventlens

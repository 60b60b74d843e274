#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/catalog.h"
#include "eventlens/engine.h"
#include "eventlens/image.h"
#include "eventlens/storage.h"

namespace eventlens {

// Opens a store by Store::uri() and access(); an empty uri is the workspace's own folder.
using StoreOpener =
    std::function<std::shared_ptr<const Store>(const std::string& uri, const std::string& access)>;

// Opens what holds the original of a photo.
using OriginalOpener = std::function<std::shared_ptr<const Source>(const PhotoInfo&)>;

// What the settings come to: two renditions of one photo with the same recipe look the same.
RenditionRecipes recipes_of(const RenditionSettings& settings);

// A rendition that is not stored yet.
struct MadeRendition {
    Rendition rendition;
    std::vector<std::byte> jpeg;
};

// Makes the renditions of an event's photos and stores them. Thread safe.
class RenditionMaker {
  public:
    // Opens no store before the first write. Throws Error for artwork that cannot be read.
    RenditionMaker(EventId event, RenditionSettings settings, StoreOpener open_store);

    const RenditionSettings& settings() const { return settings_; }
    const RenditionRecipes& recipes() const { return recipes_; }

    // To decode photos to, see DecodeOptions.
    int enough_long_side(std::span<const RenditionKind> kinds = rendition_kinds) const;

    // The picture that they are made of: the photo in the size of the largest of them.
    Image picture_of(const DecodedPhoto& photo, std::span<const RenditionKind> kinds = rendition_kinds) const;
    std::vector<MadeRendition> make(Image picture, const DecodedPhoto& photo,
                                    std::span<const RenditionKind> kinds = rendition_kinds) const;

    // Begin them in the catalog first. After many failures one behind the other it tries no more: the store
    // is down, and each attempt takes a while. Throws Error.
    void store(const std::string& photo_uuid, std::span<const MadeRendition> renditions);

    // How many threads that store keep the place busy.
    int parallel_writes();

  private:
    std::shared_ptr<const Store> opened();
    const Watermark* watermark_for(Size photo) const;

    EventId event_;
    RenditionSettings settings_;
    RenditionRecipes recipes_;
    std::optional<Watermark> watermark_;
    std::optional<Watermark> portrait_watermark_;
    StoreOpener open_store_;
    std::mutex mutex_;
    std::shared_ptr<const Store> store_;
    std::atomic<int> failures_at_a_stretch_{0};
};

// Begins the renditions of an index run's photos in the catalog, some ahead of those that are worked on, and
// tells the UUIDs that their files bear. Thread safe.
class BegunRenditions {
  public:
    BegunRenditions(Catalog& catalog, SourceId source, StoreId store, std::span<const StoredObject> photos)
        : catalog_(catalog), source_(source), store_(store), photos_(photos) {}

    // Of a photo whose files are about to be written.
    std::string uuid_of(std::size_t photo);

    // The photo was put, with its files.
    void put(const std::string& uuid);

    // What uuid_of() told and was not put.
    std::vector<std::string> not_put() const;

  private:
    Catalog& catalog_;
    SourceId source_;
    StoreId store_;
    std::span<const StoredObject> photos_;
    mutable std::mutex mutex_;
    std::vector<std::string> uuids_;
    std::set<std::string> told_;  // and not put
};

// Removes files that nobody wants any more, of all events, from their stores. Returns what is still there, a
// key of a file with the reason for each store that is in trouble; the next call tries again.
std::vector<IndexFailure> remove_unwanted_files(Catalog& catalog, const StoreOpener& open_store);

// Tells renditions and clips of ours from photos and videos by their keys in a source: stores may lie within
// it, as where the workspace does.
std::function<bool(std::string_view key)> renditions_in(const std::string& source_uri,
                                                        std::span<const std::string> store_uris);

// Makes what is missing or outdated, from the originals. Throws as Engine::make_renditions() does.
RenditionReport make_renditions(Catalog& catalog, EventId event, RenditionMaker& maker,
                                const OriginalOpener& open_original, int workers,
                                const RenditionOptions& options);

}  // namespace eventlens

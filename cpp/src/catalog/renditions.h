#pragma once

#include <span>
#include <string>

#include "catalog/sqlite.h"
#include "eventlens/catalog.h"

// What becomes of a photo's renditions when the photo is put or removed, inside the transaction that does so.
namespace eventlens {

// Records files that were stored as those of the photo with the UUID `made_as`. They become unwanted instead
// where the photo has another, or its event is to have no renditions any more.
void record_renditions(sqlite::Database& database, PhotoId photo, const std::string& made_as,
                       std::span<const Rendition> renditions);

// The place of files of ours with this Store::uri(); empty: the workspace's own folder.
StoreId find_or_add_store(sqlite::Database& database, const std::string& uri, const std::string& access);

enum class Recorded { keep, discard };

// Ends what was begun for a photo and led to nothing. `discard`: nor are the renditions that it had wanted
// any more, as it looks different now or is about to be removed.
void end_renditions(sqlite::Database& database, PhotoId photo, Recorded recorded);

// The same for photos of an event that were never put.
void end_renditions_of_event(sqlite::Database& database, EventId event);

// Files of a photo that is not there, under this UUID, are unwanted; nothing happens where it is.
void discard_renditions(sqlite::Database& database, EventId event, StoreId store, const std::string& uuid);

// Files that were begun for a photo which will not be put are unwanted.
void abandon_renditions(sqlite::Database& database, EventId event, SourceId source, const std::string& key);

}  // namespace eventlens

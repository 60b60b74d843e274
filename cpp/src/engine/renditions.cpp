#include "engine/renditions.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <new>
#include <semaphore>
#include <utility>

#include "base/bounded_queue.h"
#include "base/sha256.h"
#include "base/uuid.h"
#include "engine/crew.h"
#include "engine/index_run.h"
#include "eventlens/error.h"
#include "storage/url.h"

namespace eventlens {

namespace {

using Clock = std::chrono::steady_clock;

// Grows whenever the same settings come to look different.
constexpr int version_of_recipes = 1;

constexpr std::size_t begun_at_once = 64;     // photos
constexpr std::size_t removed_at_once = 256;  // files
constexpr std::size_t photos_in_a_page = 256;
constexpr std::size_t photos_in_a_batch = 32;
constexpr int most_failures_at_a_stretch = 16;
constexpr int most_threads = 64;
constexpr std::chrono::seconds oldest_uncommitted{1};
constexpr std::chrono::milliseconds between_progress{100};

// A rendition is made anew under its old name: what browsers keep of it must not last.
const WriteOptions jpeg_for_browsers{.content_type = "image/jpeg", .cache_control = "max-age=3600"};

std::string digest(const std::string& of) {
    constexpr std::size_t enough_digits = 32;
    return sha256_hex(std::as_bytes(std::span(of))).substr(0, enough_digits);
}

std::string recipe(int side, int quality, std::span<const std::byte> artwork, const WatermarkLayout& layout) {
    std::string text = std::to_string(version_of_recipes) + " side " + std::to_string(side) + " quality " +
                       std::to_string(quality);
    if (!artwork.empty()) {
        text += " artwork " + sha256_hex(artwork) + " at " +
                std::string(place_names.at(static_cast<std::size_t>(layout.place))) + " width " +
                std::to_string(layout.width) + " margin " + std::to_string(layout.margin) + " opacity " +
                std::to_string(layout.opacity);
    }
    return digest(text);
}

const std::vector<std::byte>& portrait_artwork(const RenditionSettings& settings) {
    return settings.artwork_portrait.empty() ? settings.artwork : settings.artwork_portrait;
}

bool is_portrait(Size photo) {
    return photo.height > photo.width;
}

// A copy of the whole, resized only where it must be.
Image resized(const Image& image, Size size) {
    return image.size() == size ? image : resize_image(image.view(), size);
}

}  // namespace

RenditionRecipes recipes_of(const RenditionSettings& settings) {
    return {.thumbnail = recipe(settings.thumbnail_side, settings.quality, {}, settings.layout),
            .preview = recipe(settings.preview_side, settings.quality, settings.artwork, settings.layout),
            .portrait_preview =
                recipe(settings.preview_side, settings.quality, portrait_artwork(settings), settings.layout)};
}

RenditionMaker::RenditionMaker(EventId event, RenditionSettings settings, StoreOpener open_store)
    : event_(event),
      settings_(std::move(settings)),
      recipes_(recipes_of(settings_)),
      open_store_(std::move(open_store)) {
    if (!settings_.artwork.empty()) watermark_ = Watermark::open(settings_.artwork, settings_.layout);
    if (!settings_.artwork_portrait.empty())
        portrait_watermark_ = Watermark::open(settings_.artwork_portrait, settings_.layout);
}

int RenditionMaker::enough_long_side(std::span<const RenditionKind> kinds) const {
    const bool preview = std::ranges::find(kinds, RenditionKind::preview) != kinds.end();
    return preview ? settings_.preview_side : settings_.thumbnail_side;
}

const Watermark* RenditionMaker::watermark_for(Size photo) const {
    if (is_portrait(photo) && portrait_watermark_) return &*portrait_watermark_;
    return watermark_ ? &*watermark_ : nullptr;
}

Image RenditionMaker::picture_of(const DecodedPhoto& photo, std::span<const RenditionKind> kinds) const {
    return resized(photo.image, size_within(photo.full_size, enough_long_side(kinds)));
}

std::vector<MadeRendition> RenditionMaker::make(Image picture, const DecodedPhoto& photo,
                                                std::span<const RenditionKind> kinds) const {
    std::vector<MadeRendition> made;
    const auto add = [&](RenditionKind kind, const Image& image, const std::string& made_by) {
        MadeRendition& rendition = made.emplace_back();
        rendition.jpeg = encode_jpeg(image.view(), settings_.quality, photo.colour_profile);
        rendition.rendition = {.kind = kind,
                               .store = settings_.store,
                               .size = image.size(),
                               .bytes = static_cast<std::int64_t>(rendition.jpeg.size()),
                               .recipe = made_by};
    };
    const auto wanted = [&](RenditionKind kind) { return std::ranges::find(kinds, kind) != kinds.end(); };
    if (wanted(RenditionKind::thumbnail)) {
        const Size size = size_within(photo.full_size, settings_.thumbnail_side);
        add(RenditionKind::thumbnail, resized(picture, size), recipes_.thumbnail);
    }
    if (wanted(RenditionKind::preview)) {
        if (const Watermark* watermark = watermark_for(photo.full_size)) watermark->lay_over(picture);
        add(RenditionKind::preview, picture,
            is_portrait(photo.full_size) ? recipes_.portrait_preview : recipes_.preview);
    }
    return made;
}

std::shared_ptr<const Store> RenditionMaker::opened() {
    const std::lock_guard lock(mutex_);
    if (!store_) store_ = open_store_(settings_.store_uri, settings_.store_access);
    return store_;
}

int RenditionMaker::parallel_writes() {
    try {
        return opened()->parallel_reads();
    } catch (const Error&) {
        return 1;  // each photo will say so
    }
}

void RenditionMaker::store(const std::string& photo_uuid, std::span<const MadeRendition> renditions) {
    if (failures_at_a_stretch_ > most_failures_at_a_stretch) {
        throw Error(ErrorCode::overloaded,
                    "the store of the renditions failed too often: it is not asked any more in this run");
    }
    try {
        const std::shared_ptr<const Store> place = opened();
        for (const MadeRendition& made : renditions) {
            place->write(rendition_key(event_, photo_uuid, made.rendition.kind), made.jpeg,
                         jpeg_for_browsers);
        }
        failures_at_a_stretch_ = 0;
    } catch (...) {
        ++failures_at_a_stretch_;
        throw;
    }
}

std::string BegunRenditions::uuid_of(std::size_t photo) {
    const std::lock_guard lock(mutex_);
    while (uuids_.size() <= photo) {
        std::vector<std::string> keys;
        for (const StoredObject& object :
             photos_.subspan(uuids_.size(), std::min(begun_at_once, photos_.size() - uuids_.size())))
            keys.push_back(object.key);
        for (std::string& uuid : catalog_.begin_renditions(source_, store_, keys))
            uuids_.push_back(std::move(uuid));
    }
    told_.insert(uuids_[photo]);
    return uuids_[photo];
}

void BegunRenditions::put(const std::string& uuid) {
    const std::lock_guard lock(mutex_);
    told_.erase(uuid);
}

std::vector<std::string> BegunRenditions::not_put() const {
    const std::lock_guard lock(mutex_);
    return {told_.begin(), told_.end()};
}

namespace {

// Runs work(0) .. work(count - 1) on some threads, and throws the first error after all have ended.
void in_parallel(int threads, std::size_t count, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr trouble;
    {
        Crew crew([] {});
        for (int i = 0; i < threads; ++i) {
            crew.add([&] {
                try {
                    for (std::size_t item = next++; item < count; item = next++) work(item);
                } catch (...) {
                    next = count;
                    const std::lock_guard lock(mutex);
                    if (!trouble) trouble = std::current_exception();
                }
            });
        }
    }
    if (trouble) std::rethrow_exception(trouble);
}

// Of one store.
void remove_unwanted_files(Catalog& catalog, StoreId store, const StoreOpener& open_store) {
    std::shared_ptr<const Store> place;
    while (true) {
        const std::vector<StoredFile> files = catalog.unwanted_files(store, removed_at_once);
        if (files.empty()) return;
        if (!place) place = open_store(files.front().store_uri, files.front().store_access);
        in_parallel(place->parallel_reads(), files.size(), [&](std::size_t i) {
            // Another run may have begun to write it again.
            if (catalog.is_unwanted(files[i])) place->remove(files[i].key);
        });
        catalog.forget_unwanted_files(files);
    }
}

}  // namespace

std::vector<IndexFailure> remove_unwanted_files(Catalog& catalog, const StoreOpener& open_store) {
    std::vector<IndexFailure> left;
    for (const StoreId store : catalog.stores_with_unwanted_files()) {
        try {
            remove_unwanted_files(catalog, store, open_store);
        } catch (const Error& error) {
            const auto first = catalog.unwanted_files(store, 1);
            if (!first.empty())
                left.push_back({first.front().key, std::string("not removed: ") + error.what()});
        }
    }
    return left;
}

namespace {

// Of a key without the store's own prefix, as clip_key() makes it.
bool is_clip_key(std::string_view key) {
    constexpr std::string_view folder_of_all = "vids/";
    if (!key.starts_with(folder_of_all) || !key.ends_with(".mp4")) return false;
    return key.find("/motion/selfie/") != key.npos || key.find("/motion/bib/") != key.npos;
}

// The same of renditions.
bool is_rendition_key(std::string_view key) {
    constexpr std::string_view folder_of_all = "imgs/";
    constexpr std::string_view extension = ".jpg";
    if (!key.starts_with(folder_of_all) || !key.ends_with(extension)) return false;
    key.remove_prefix(folder_of_all.size());
    key.remove_suffix(extension.size());
    const std::size_t digits = std::min(key.find_first_not_of("0123456789"), key.size());
    key.remove_prefix(digits);
    for (const std::string_view size : {"/small/", "/large/"}) {
        if (digits > 0 && key.starts_with(size)) return parse_uuid(key.substr(size.size())).has_value();
    }
    return false;
}

// The prefix of the store's keys in the source; nothing: it does not lie there.
std::optional<std::string> prefix_in(const std::string& source_uri, const std::string& store_uri) {
    const auto folder = [](const std::string& uri) {
        Location location = parse_location(uri);
        if (!location.path.ends_with('/')) location.path += '/';
        return location;
    };
    const Location source = folder(source_uri);
    const Location store = folder(store_uri);
    if (source.scheme != store.scheme || source.authority != store.authority || source.query != store.query ||
        !store.path.starts_with(source.path)) {
        return std::nullopt;
    }
    return store.path.substr(source.path.size());
}

}  // namespace

std::function<bool(std::string_view key)> renditions_in(const std::string& source_uri,
                                                        std::span<const std::string> store_uris) {
    std::vector<std::string> prefixes;
    for (const std::string& uri : store_uris) {
        if (auto prefix = prefix_in(source_uri, uri)) prefixes.push_back(std::move(*prefix));
    }
    return [prefixes = std::move(prefixes)](std::string_view key) {
        return std::ranges::any_of(prefixes, [&](const std::string& prefix) {
            if (!key.starts_with(prefix)) return false;
            const std::string_view own = key.substr(prefix.size());
            return is_rendition_key(own) || is_clip_key(own);
        });
    };
}

namespace {

// One photo, after its renditions were made, or not.
struct Remade {
    PhotoRenditions made;
    std::string key;
    std::string failure;  // empty: they are stored
    bool store_in_trouble = false;
};

// The run of make_renditions(), in the order it happens.
class Remaker {
  public:
    Remaker(Catalog& catalog, EventId event, RenditionMaker& maker, const OriginalOpener& open_original,
            int workers, const RenditionOptions& options)
        : catalog_(catalog),
          event_(event),
          maker_(maker),
          open_original_(open_original),
          workers_(workers),
          options_(options),
          cores_(workers) {}

    RenditionReport run() {
        const Clock::time_point start = Clock::now();
        const std::int64_t processed = catalog_.counts(event_).processed;
        progress_.total =
            options_.all ? processed : catalog_.count_outdated_renditions(event_, maker_.recipes());
        report_.unchanged = processed - progress_.total;
        tell(true);
        PhotoId after = 0;
        while (true) {
            const std::vector<OutdatedPhoto> page =
                catalog_.outdated_renditions(event_, maker_.recipes(), after, photos_in_a_page, options_.all);
            if (page.empty()) break;
            after = page.back().photo.id;
            try {
                make(page);
            } catch (...) {
                const std::exception_ptr reason = std::current_exception();
                commit_what_is_done();
                std::rethrow_exception(reason);
            }
            commit();
        }
        report_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        tell(true);
        return std::move(report_);
    }

  private:
    std::vector<std::string> begin(std::span<const OutdatedPhoto> page) {
        std::map<SourceId, std::vector<std::size_t>> by_source;
        for (std::size_t i = 0; i < page.size(); ++i) by_source[page[i].photo.source].push_back(i);
        std::vector<std::string> uuids(page.size());
        for (const auto& [source, places] : by_source) {
            std::vector<std::string> keys;
            for (const std::size_t place : places) keys.push_back(page[place].photo.key);
            auto uuid = catalog_.begin_renditions(source, maker_.settings().store, keys);
            for (std::size_t i = 0; i < places.size(); ++i) uuids[places[i]] = std::move(uuid[i]);
        }
        return uuids;
    }

    // While some threads wait for the network, others decode and encode, no more than there are workers.
    void make(std::span<const OutdatedPhoto> page) {
        const std::vector<std::string> uuids = begin(page);
        const int waiting = std::max(maker_.parallel_writes(), parallel_reads(page.front().photo));
        const int threads = std::min({workers_ + waiting - 1, most_threads, static_cast<int>(page.size())});
        BoundedQueue<Remade> remade(static_cast<std::size_t>(threads));
        std::atomic<std::size_t> next{0};
        Crew crew([&] {
            next = page.size();
            remade.close();
        });
        for (int i = 0; i < threads; ++i) {
            crew.add([&] {
                for (std::size_t place = next++; place < page.size(); place = next++) {
                    if (!remade.push(remake(page[place], uuids[place]))) return;
                }
            });
        }
        for (std::size_t received = 0; received < page.size();) {
            if (auto item = remade.pop_for(between_progress)) {
                ++received;
                take(std::move(*item));
            }
            if (batch_.size() >= photos_in_a_batch || Clock::now() - committed_ > oldest_uncommitted)
                commit();
            tell(false);
        }
    }

    int parallel_reads(const PhotoInfo& photo) const {
        try {
            return open_original_(photo)->parallel_reads();
        } catch (const Error&) {
            return 1;  // each photo will say so
        }
    }

    Remade remake(const OutdatedPhoto& outdated, const std::string& uuid) {
        const PhotoInfo& photo = outdated.photo;
        Remade remade{{photo.id, uuid, photo.fingerprint, {}}, photo.key, {}, false};
        try {
            const auto bytes = open_original_(photo)->read(photo.key, largest_photo_file);
            const std::vector<MadeRendition> made = encode(bytes, outdated.kinds);
            maker_.store(uuid, made);
            for (const MadeRendition& rendition : made) remade.made.renditions.push_back(rendition.rendition);
        } catch (const Error& error) {
            remade.failure = error.what();
            remade.store_in_trouble = error.code() == ErrorCode::overloaded;
        } catch (const std::bad_alloc&) {
            remade.failure = "not enough memory for this photo";
        } catch (const std::exception& error) {
            remade.failure = error.what();
        }
        return remade;
    }

    std::vector<MadeRendition> encode(std::span<const std::byte> original,
                                      std::span<const RenditionKind> kinds) {
        struct Core {
            explicit Core(std::counting_semaphore<>& of) : cores(of) { cores.acquire(); }
            ~Core() { cores.release(); }
            Core(const Core&) = delete;
            Core& operator=(const Core&) = delete;
            std::counting_semaphore<>& cores;
        } core(cores_);
        DecodeOptions decode;
        decode.enough_long_side = maker_.enough_long_side(kinds);
        const DecodedPhoto photo = decode_photo(original, decode);
        return maker_.make(maker_.picture_of(photo, kinds), photo, kinds);
    }

    void take(Remade remade) {
        if (batch_.empty()) committed_ = Clock::now();
        in_trouble_at_a_stretch_ = remade.store_in_trouble ? in_trouble_at_a_stretch_ + 1 : 0;
        if (in_trouble_at_a_stretch_ > most_failures_at_a_stretch)
            throw Error(ErrorCode::overloaded, "no renditions can be made any more: " + remade.failure);
        if (remade.failure.empty()) {
            batch_.push_back(std::move(remade.made));
            return;
        }
        report_.failed.push_back({std::move(remade.key), std::move(remade.failure)});
        ++progress_.done;
        ++progress_.failed;
    }

    void commit() {
        committed_ = Clock::now();
        const std::vector<PhotoRenditions> batch = std::exchange(batch_, {});
        if (batch.empty()) return;
        report_.made += static_cast<std::int64_t>(catalog_.put_renditions(event_, batch));
        progress_.done += static_cast<std::int64_t>(batch.size());
        for (const PhotoRenditions& photo : batch) {
            for (const Rendition& rendition : photo.renditions) report_.bytes += rendition.bytes;
        }
    }

    // On the way out of a run that ends early. Should the catalog refuse here too, the reason that ended the
    // run is the one worth telling: the next run makes them again.
    void commit_what_is_done() noexcept {
        try {
            commit();
        } catch (const std::exception&) {
            batch_.clear();
        }
    }

    void tell(bool at_once) {
        if (!options_.progress) return;
        const Clock::time_point now = Clock::now();
        if (!at_once && now - told_ < between_progress) return;
        told_ = now;
        options_.progress(progress_);
    }

    Catalog& catalog_;
    EventId event_;
    RenditionMaker& maker_;
    const OriginalOpener& open_original_;
    int workers_;
    const RenditionOptions& options_;
    std::counting_semaphore<> cores_;
    RenditionReport report_;
    RenditionProgress progress_;
    std::vector<PhotoRenditions> batch_;
    int in_trouble_at_a_stretch_ = 0;
    Clock::time_point committed_ = Clock::now();
    Clock::time_point told_{};
};

}  // namespace

RenditionReport make_renditions(Catalog& catalog, EventId event, RenditionMaker& maker,
                                const OriginalOpener& open_original, int workers,
                                const RenditionOptions& options) {
    return Remaker(catalog, event, maker, open_original, workers, options).run();
}

}  // namespace eventlens

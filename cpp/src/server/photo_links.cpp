#include "server/photo_links.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "eventlens/error.h"
#include "wire/image_json.h"

namespace eventlens::server {

namespace {

constexpr std::chrono::hours links_of_buckets_last{12};
constexpr std::chrono::seconds originals_last{3600};

std::string media_path(EventId event, std::string_view kind, const std::string& file) {
    return "/media/" + std::to_string(event) + "/" + std::string(kind) + "/" + file;
}

// The workspace's own folder, whose URI is empty, is never what the public address shows.
bool is_public(const Service& service, const std::string& store_uri) {
    return !store_uri.empty() && !service.config().media_base_url.empty();
}

const Rendition* made(const std::vector<Rendition>* renditions, RenditionKind kind) {
    if (!renditions) return nullptr;
    const auto found = std::ranges::find(*renditions, kind, &Rendition::kind);
    return found == renditions->end() ? nullptr : &*found;
}

// Nothing when it was removed a moment ago, and of buckets that cannot be linked to: those of whoever has
// nothing but a shared access signature, or no keys at all.
template <typename Link>
std::optional<std::string> link_to_bucket(Link&& link) {
    try {
        return link();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::unsupported) throw;
        return std::nullopt;
    }
}

// Links of one answer: what is known of a store is asked once.
class Linker {
  public:
    Linker(Service& service, const Request& request) : service_(service), request_(request) {}

    std::string rendition(const PhotoInfo& photo, const std::vector<Rendition>* renditions,
                          RenditionKind kind) {
        if (const Rendition* rendition = made(renditions, kind)) {
            const std::string& store = uri_of(rendition->store);
            if (is_public(service_, store))
                return service_.config().media_base_url + "/" + rendition_key(photo.event, photo.uuid, kind);
            if (names_bucket(store)) {
                const auto link = link_to_bucket([&] {
                    return service_.engine().rendition_link(photo.id, kind, {links_of_buckets_last, {}});
                });
                if (link) return *link;
            }
        }
        return service_.links().steady(
            request_, media_path(photo.event, kind == RenditionKind::thumbnail ? "small" : "large",
                                 photo.uuid + ".jpg"));
    }

  private:
    const std::string& uri_of(StoreId store) {
        const auto [at, first] = stores_.try_emplace(store);
        if (first) at->second = service_.catalog().store(store).uri;
        return at->second;
    }

    Service& service_;
    const Request& request_;
    std::map<StoreId, std::string> stores_;
};

// Where originals can be linked to at all: an answer is not spoilt by one that cannot.
std::optional<std::string> maybe_original(Service& service, const Request& request, const PhotoInfo& photo) {
    try {
        return original_link(service, request, photo);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

std::string download_name(const PhotoInfo& photo) {
    const std::size_t dot = photo.key.rfind('.');
    std::string ending = dot == std::string::npos ? "" : photo.key.substr(dot);
    for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    const bool plain = ending.size() > 1 && ending.size() <= 5 &&
                       std::all_of(ending.begin() + 1, ending.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    return photo.uuid + (plain ? ending : ".jpg");
}

std::string original_link(Service& service, const Request& request, const PhotoInfo& photo) {
    try {
        return service.engine().original_link(photo.id, {originals_last, download_name(photo)});
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unsupported) throw;
    }
    return service.links().lasting(request, media_path(photo.event, "original", photo.uuid), originals_last,
                                   download_name(photo));
}

std::string clip_link(Service& service, const Request& request, const ClipJob& job, const JobClip& clip) {
    if (is_public(service, clip.file.store_uri)) return service.config().media_base_url + "/" + clip.file.key;
    if (names_bucket(clip.file.store_uri)) {
        const auto link = link_to_bucket([&] {
            return service.engine().clip_link(clip, {links_of_buckets_last, {}});
        });
        if (link) return *link;
    }
    return service.links().steady(request,
                                  media_path(job.event, "clips", job.request_id + "/" + clip.uuid + ".mp4"));
}

nlohmann::json image_items(Service& service, const Caller& caller, const Request& request,
                           std::span<const PhotoId> photos) {
    const auto renditions = service.catalog().renditions_of(photos);
    Linker linker(service, request);
    nlohmann::json items = nlohmann::json::array();
    for (const PhotoInfo& photo : service.catalog().photos(photos)) {
        if (photo.hidden || photo.event != caller.event->id) continue;
        const auto at = renditions.find(photo.id);
        const auto* made_of_it = at == renditions.end() ? nullptr : &at->second;
        wire::ImageUrls urls{linker.rendition(photo, made_of_it, RenditionKind::preview),
                             linker.rendition(photo, made_of_it, RenditionKind::thumbnail)};
        if (caller.event->settings.originals) urls.original = maybe_original(service, request, photo);
        items.push_back(wire::image_item(photo, urls, service.config().legacy_image_keys));
    }
    return items;
}

}  // namespace eventlens::server

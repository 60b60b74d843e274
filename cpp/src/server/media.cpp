#include <algorithm>
#include <array>
#include <span>

#include "base/sha256.h"
#include "eventlens/error.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/service.h"

// Pictures and clips behind links of ours: the link is the permission, and says for how long.
namespace eventlens::server {

namespace {

void require_link(Service& service, const Request& request, Reply& reply) {
    const auto good_for = service.links().good_for(request);
    if (!good_for) throw Refusal(403, "This link is not valid, or not any more: ask for a new one");
    reply.headers.emplace_back("Cache-Control", "private, max-age=" + std::to_string(good_for->count()));
}

std::string etag_of(std::span<const std::byte> bytes) {
    return "\"" + sha256_hex(bytes).substr(0, 32) + "\"";
}

bool is_among(std::string_view etags, std::string_view etag) {
    return etags == "*" || etags.find(etag) != std::string_view::npos;
}

// "bytes=0-499" of a whole of `size`: first and length. One range; several are answered with the whole, as
// RFC 9110 allows. Nothing: no range, or one that is not understood. A length of 0: it lies behind the end.
std::optional<std::pair<std::int64_t, std::int64_t>> range_of(const Request& request, std::int64_t size,
                                                              std::string_view etag) {
    const auto header = request.headers.get("Range");
    if (!header || !header->starts_with("bytes=")) return std::nullopt;
    if (const auto condition = request.headers.get("If-Range"); condition && *condition != etag)
        return std::nullopt;
    const std::string_view text = header->substr(6);
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return std::nullopt;
    const auto first = integer_of(text.substr(0, dash));
    const auto last = integer_of(text.substr(dash + 1));
    if (dash == 0) {  // the last so many
        if (!last || *last < 0) return std::nullopt;
        const std::int64_t length = std::min(*last, size);
        return std::pair(size - length, length);
    }
    if (!first || *first < 0 || (dash + 1 < text.size() && (!last || *last < *first))) return std::nullopt;
    if (*first >= size) return std::pair(*first, std::int64_t{0});
    return std::pair(*first, std::min(last.value_or(size - 1), size - 1) - *first + 1);
}

// The content, or the part that was asked for, or that it has not changed: `put` is given the reply, and the
// offset and length of what belongs into it.
template <typename Put>
Reply serve(const Request& request, Reply reply, std::int64_t size, const std::string& etag, Put&& put) {
    reply.headers.emplace_back("ETag", etag);
    reply.headers.emplace_back("Accept-Ranges", "bytes");
    if (const auto known = request.headers.get("If-None-Match"); known && is_among(*known, etag)) {
        reply.status = 304;
        reply.content_type.clear();
        return reply;
    }
    std::int64_t first = 0;
    std::int64_t length = size;
    if (const auto range = range_of(request, size, etag)) {
        if (range->second == 0) {
            Reply unsatisfiable = failure(416, "The range lies behind the end");
            unsatisfiable.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
            return unsatisfiable;
        }
        std::tie(first, length) = *range;
        reply.status = 206;
        reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                        std::to_string(first + length - 1) + "/" +
                                                        std::to_string(size));
    }
    put(reply, first, length);
    return reply;
}

Reply serve(const Request& request, Reply reply, std::shared_ptr<const ByteSource> content,
            const std::string& etag) {
    const std::int64_t size = content->size();
    return serve(request, std::move(reply), size, etag,
                 [&](Reply& into, std::int64_t first, std::int64_t length) {
                     into.stream = StreamedBody{std::move(content), first, length};
                 });
}

Reply serve(const Request& request, Reply reply, std::span<const std::byte> content,
            const std::string& etag) {
    return serve(request, std::move(reply), static_cast<std::int64_t>(content.size()), etag,
                 [&](Reply& into, std::int64_t first, std::int64_t length) {
                     into.body.assign(reinterpret_cast<const char*>(content.data()) + first,
                                      static_cast<std::size_t>(length));
                 });
}

PhotoInfo photo_named(Service& service, const Request& request, std::string_view uuid) {
    const auto photo = service.catalog().find_photo(path_integer(request, "event_id"), std::string(uuid));
    if (!photo || photo->hidden) throw Refusal(404, "There is no such photo any more");
    return *photo;
}

// What `read` gives. Why a file cannot be had names folders and buckets: that is the organiser's.
template <typename Read>
auto taken_by(Read&& read) {
    try {
        return read();
    } catch (const Error& error) {
        const bool may_pass = error.code() == ErrorCode::overloaded || error.code() == ErrorCode::denied ||
                              error.code() == ErrorCode::internal;
        if (may_pass) throw;
        throw Refusal(404, "The file is not to be had any more");
    }
}

Reply rendition(Service& service, const Request& request, RenditionKind kind) {
    Reply reply{.content_type = "image/jpeg"};
    require_link(service, request, reply);
    const std::string& file = request.parameter("file");
    const PhotoInfo photo = photo_named(service, request, std::string_view(file).substr(0, file.rfind('.')));
    const std::vector<std::byte> jpeg =
        taken_by([&] { return service.engine().rendition_or_new(photo.id, kind); });
    return serve(request, std::move(reply), jpeg, etag_of(jpeg));
}

// By what the bytes begin with: a key's ending may say anything.
const char* type_of(const ByteSource& content) {
    std::array<std::byte, 16> bytes{};
    const std::string_view start(reinterpret_cast<const char*>(bytes.data()), content.read(0, bytes));
    if (start.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
    if (start.starts_with("\x89PNG")) return "image/png";
    if (start.starts_with("RIFF") && start.substr(8).starts_with("WEBP")) return "image/webp";
    if (start.starts_with("II*") || start.starts_with("MM")) return "image/tiff";
    if (start.size() > 8 && start.substr(4).starts_with("ftyp")) return "image/heic";
    return "application/octet-stream";
}

Reply original(Service& service, const Caller&, const Request& request) {
    Reply reply;
    require_link(service, request, reply);
    Mistakes mistakes;
    const std::string name(Query(request.query, mistakes).get("name").value_or("photo"));  // signed, so ours
    const PhotoInfo photo = photo_named(service, request, request.parameter("file"));
    auto content = taken_by([&] {
        auto opened = service.engine().open_photo(photo.id);
        reply.content_type = type_of(*opened);
        return opened;
    });
    reply.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
    const std::string etag = etag_of(std::as_bytes(std::span(photo.fingerprint)));
    return serve(request, std::move(reply), std::move(content), etag);
}

Reply clip(Service& service, const Caller&, const Request& request) {
    Reply reply{.content_type = "video/mp4"};
    require_link(service, request, reply);
    const std::string& file = request.parameter("file");
    const auto found = service.catalog().find_clip(
        path_integer(request, "event_id"), request.parameter("request_id"), file.substr(0, file.rfind('.')));
    if (!found) throw Refusal(404, "There is no such clip any more");
    auto content = taken_by([&] { return service.engine().clip_bytes(*found); });
    return serve(request, std::move(reply), std::move(content), "\"" + found->uuid + "\"");
}

}  // namespace

std::vector<Route> media_routes() {
    const auto of_kind = [](RenditionKind kind) {
        return [kind](Service& service, const Caller&, const Request& request) {
            return rendition(service, request, kind);
        };
    };
    return {
        {.method = "GET",
         .pattern = "/media/{event_id}/small/{file}",
         .handler = of_kind(RenditionKind::thumbnail),
         .work = Work::storage},
        {.method = "GET",
         .pattern = "/media/{event_id}/large/{file}",
         .handler = of_kind(RenditionKind::preview),
         .work = Work::storage},
        {.method = "GET",
         .pattern = "/media/{event_id}/original/{file}",
         .handler = original,
         .work = Work::storage},
        {.method = "GET",
         .pattern = "/media/{event_id}/clips/{request_id}/{file}",
         .handler = clip,
         .work = Work::storage},
    };
}

}  // namespace eventlens::server

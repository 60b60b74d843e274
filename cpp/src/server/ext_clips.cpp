#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "server/parameters.h"
#include "server/photo_links.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/selfie_form.h"
#include "server/service.h"
#include "wire/image_json.h"

// Clips: started by selfie or bib, made by ClipWorkers, polled.
namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::size_t longest_bib = 64;  // characters; Gallery::find_bib

void require_videos(Service& service, EventId event) {
    if (service.catalog().counts(event).videos.total == 0)
        throw Refusal(404, "Video-search configuration not found: the event has no video");
}

Reply start(Service& service, EventId event, const std::string& request_id) {
    const ClipJob job = service.engine().start_clips(event, request_id);
    if (job.state == ClipJobState::processing) service.wake_clip_workers();
    const std::string state(name_of(job.state));
    const char* message = job.state == ClipJobState::no_matches
                              ? "Video clipping search started. Nobody was found."
                              : "Video clipping search started. Poll the result endpoint.";
    return success(message, {{"status", state}, {"request_id", job.request_id}});
}

Reply start_by_selfie(Service& service, const Caller& caller, const Request& request) {
    const EventId event = caller.event->id;
    require_videos(service, event);
    const FormSearch found = search_of(service, event, selfie_form(service, request), Wanted::clips);
    if (!found.search.appearances)
        throw Refusal(
            400,
            "This search was made before the event had videos: send its selfie again with its request_id");
    return start(service, event, found.search.request_id);
}

Reply start_by_bib(Service& service, const Caller& caller, const Request& request) {
    const EventId event = caller.event->id;
    require_videos(service, event);
    const json body = json_body(request);
    Mistakes mistakes;
    const auto bib = body.find("bib");
    if (bib == body.end()) {
        mistakes.add("body.bib", "Field required");
    } else if (!bib->is_string()) {
        mistakes.add("body.bib", "Input should be a valid string");
    } else if (const auto& text = bib->get_ref<const std::string&>();
               text.find_first_not_of(" \t\r\n\v\f") == std::string::npos ||
               characters_in(text) > longest_bib) {
        mistakes.add("body.bib", "String should have 1 to 64 characters");
    }
    const auto given_id = body.find("request_id");
    const bool has_id = given_id != body.end() && !given_id->is_null();
    if (has_id && !given_id->is_string()) mistakes.add("body.request_id", "Input should be a valid string");
    mistakes.refuse();

    const std::string id =
        has_id ? uuid_of(given_id->get<std::string>(), "request_id") : uuid_text(make_uuid());
    const OneAtATime::Turn turn(service.searches(), std::to_string(event) + "/" + id);
    const auto known = service.catalog().load_search(event, id);
    if (known && known->kind != SearchKind::bib)
        throw Refusal(404, "The request_id is that of a selfie search");
    if (!known || !known->appearances) {
        if (service.catalog().counts(event).videos.seconds <= 0) throw Refusal(400, no_footage_yet);
        (void)service.engine().search_bib_clips(event, bib->get<std::string>(), id);
    }
    return start(service, event, id);
}

std::string words_for(ClipJobState state) {
    std::string words(name_of(state));
    for (char& c : words) {
        if (c == '_') c = ' ';
    }
    return words;
}

// Keys are any bytes: those that are no UTF-8 are replaced when the answer is written. The catalog's reasons
// name folders and buckets: they are the organiser's.
Reply clips(Service& service, const Caller& caller, const Request& request) {
    const EventFeatures& features = caller.event->settings.features;
    const auto search = service.catalog().load_search(caller.event->id, request.parameter("request_id"));
    const bool by_bib = search && search->kind == SearchKind::bib;
    if (!(by_bib ? features.bib_search : features.video_selfie_search))
        throw Refusal(403, "Video search is disabled for this event");
    const std::string id = uuid_of(request.parameter("request_id"), "request_id");
    const auto job = service.catalog().clip_job(caller.event->id, id);
    if (!search || !job) throw Refusal(404, "No clips were started for this request_id");

    json videos = json::array();
    json failures = json::array();
    if (job->state == ClipJobState::completed || job->state == ClipJobState::clip_failed) {
        for (const JobClip& clip : job->clips) {
            videos.push_back({{"uuid", clip.uuid},
                              {"video_url", clip_link(service, request, *job, clip)},
                              {"source_video_key", clip.video_key},
                              {"start_time", wire::clock_time(clip.span.start)},
                              {"end_time", wire::clock_time(clip.span.end, true)}});
        }
        for (const ClipFailure& failure : job->failures)
            failures.push_back({{"source_video_key", failure.video_key},
                                {"error", failure.video_is_gone ? "The source video is gone"
                                                                : "This video could not be cut"}});
    }
    const bool failed = job->state == ClipJobState::failed;
    return success("Video clipping " + words_for(job->state),
                   {{"request_id", job->request_id},
                    {"status", std::string(name_of(job->state))},
                    {"videos", std::move(videos)},
                    {"error", failed ? json("The clips could not be made; start them again") : json(nullptr)},
                    {"clip_errors", std::move(failures)}});
}

}  // namespace

std::vector<Route> clip_routes() {
    return {
        {.method = "POST",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/search-by-selfie",
         .handler = start_by_selfie,
         .gate = Gate::event,
         .feature = Feature::video_selfie,
         .work = Work::recognition,
         .search = true,
         .max_body = 0},  // as the configuration says
        {.method = "POST",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/search-by-bib",
         .handler = start_by_bib,
         .gate = Gate::event,
         .feature = Feature::video_bib,
         .search = true},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/{request_id}",
         .handler = clips,
         .gate = Gate::event,
         .feature = Feature::video_any},
    };
}

}  // namespace eventlens::server

#include "wire/event_json.h"

#include <array>
#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "wire/image_json.h"

namespace eventlens::wire {

using nlohmann::json;

namespace {

struct NamedFlag {
    const char* name;
    bool EventFeatures::*flag;
};
constexpr std::array feature_names{
    NamedFlag{"enabled", &EventFeatures::enabled},
    NamedFlag{"bib_search", &EventFeatures::bib_search},
    NamedFlag{"selfie_search", &EventFeatures::selfie_search},
    NamedFlag{"name_search", &EventFeatures::name_search},
    NamedFlag{"video_search", &EventFeatures::video_search},
    NamedFlag{"video_selfie_search", &EventFeatures::video_selfie_search},
    NamedFlag{"timeline_search", &EventFeatures::timeline_search},
};

struct NamedNumber {
    const char* name;
    double ClipOptions::*number;
};
constexpr std::array clip_names{
    NamedNumber{"min_probability", &ClipOptions::min_probability},
    NamedNumber{"min_segment", &ClipOptions::min_segment},
    NamedNumber{"max_gap", &ClipOptions::max_gap},
    NamedNumber{"padding_start", &ClipOptions::padding_start},
    NamedNumber{"padding_end", &ClipOptions::padding_end},
    NamedNumber{"max_clip_duration", &ClipOptions::max_clip_duration},
};

json number_or_null(const std::optional<double>& number) {
    return number ? json(*number) : json(nullptr);
}

}  // namespace

std::string utc_time(UtcMilliseconds time) {
    using namespace std::chrono;
    const sys_seconds moment = floor<seconds>(sys_time<milliseconds>(milliseconds(time)));
    const sys_days day = floor<days>(moment);
    const year_month_day date(day);
    const hh_mm_ss clock(moment - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

json organisation_item(const Organisation& organisation) {
    return {{"org_id", organisation.id},
            {"name", organisation.name},
            {"cors_origins", organisation.cors_origins},
            {"billable_searches", organisation.billable_searches},
            {"created", utc_time(organisation.created)}};
}

json key_item(const ApiKey& key) {
    return {{"key_id", key.id},
            {"org_id", key.organisation},
            {"shown", key.shown + "***"},
            {"name", key.name},
            {"creator", key.creator},
            {"active", key.active},
            {"created", utc_time(key.created)}};
}

json event_item(const EventInfo& event) {
    const EventSettings& settings = event.settings;
    json features = json::object();
    for (const NamedFlag& feature : feature_names) features[feature.name] = settings.features.*feature.flag;
    json clips = json::object();
    for (const NamedNumber& option : clip_names) clips[option.name] = settings.clips.*option.number;
    return {{"event_id", event.id},
            {"org_id", event.organisation},
            {"name", settings.name},
            {"slug", settings.slug},
            {"date", datetime(settings.date)},
            {"time_zone", settings.time_zone},
            {"bib_pattern", settings.bib_pattern},
            {"status", settings.status},
            {"embedder", settings.embedder},
            {"cover_image", text_or_null(settings.cover_image)},
            {"confidence_percentage", number_or_null(settings.confidence_percentage)},
            {"search_lifetime_days", number_or_null(settings.search_lifetime_days)},
            {"selfie_retention", settings.selfie_retention},
            {"originals", settings.originals},
            {"features", features},
            {"clips", clips},
            {"billable_searches", event.billable_searches},
            {"created", utc_time(event.created)}};
}

json counts_item(const EventCounts& counts) {
    const VideoCounts& videos = counts.videos;
    return {{"total", counts.total},
            {"processed", counts.processed},
            {"failed", counts.failed},
            {"hidden", counts.hidden},
            {"videos",
             {{"total", videos.total},
              {"processed", videos.processed},
              {"in_progress", videos.in_progress},
              {"failed", videos.failed},
              {"hidden", videos.hidden},
              {"footage", videos.seconds}}}};
}

void read_settings(Fields& fields, EventSettings& settings) {
    fields.text("name", settings.name);
    fields.text("slug", settings.slug);
    fields.text_or_null("date", settings.date);
    fields.text("time_zone", settings.time_zone);
    fields.text("bib_pattern", settings.bib_pattern);
    fields.text("status", settings.status);
    fields.text("embedder", settings.embedder);
    fields.text_or_null("cover_image", settings.cover_image);
    fields.number_or_null("confidence_percentage", settings.confidence_percentage);
    fields.number_or_null("search_lifetime_days", settings.search_lifetime_days);
    fields.flag("selfie_retention", settings.selfie_retention);
    fields.flag("originals", settings.originals);
    if (auto features = fields.object("features")) {
        for (const NamedFlag& feature : feature_names)
            features->flag(feature.name, settings.features.*feature.flag);
        features->refuse_others();
    }
    if (auto clips = fields.object("clips")) {
        for (const NamedNumber& option : clip_names)
            clips->number(option.name, settings.clips.*option.number);
        clips->refuse_others();
    }
}

}  // namespace eventlens::wire

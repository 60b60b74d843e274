#include "engine/receipt.h"

#include <chrono>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include "eventlens/storage.h"

namespace eventlens {

namespace {

// "2026-05-09T07:30:00Z"; `plain`, for names of files: "20260509T073000Z".
std::string time_text(UtcMilliseconds time, bool plain = false) {
    using namespace std::chrono;
    const sys_seconds moment(floor<seconds>(milliseconds(time)));
    const auto day = floor<days>(moment);
    const year_month_day date(day);
    const hh_mm_ss clock(moment - day);
    const char* const dash = plain ? "" : "-";
    const char* const colon = plain ? "" : ":";
    std::ostringstream text;
    text << std::setfill('0') << std::setw(4) << static_cast<int>(date.year()) << dash << std::setw(2)
         << static_cast<unsigned>(date.month()) << dash << std::setw(2) << static_cast<unsigned>(date.day())
         << 'T' << std::setw(2) << clock.hours().count() << colon << std::setw(2) << clock.minutes().count()
         << colon << std::setw(2) << clock.seconds().count() << 'Z';
    return text.str();
}

// A JSON string of UTF-8 text.
std::string json_string(std::string_view text) {
    std::ostringstream json;
    json << '"' << std::hex << std::setfill('0');
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json << '\\' << c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            json << "\\u" << std::setw(4) << static_cast<int>(c);
        } else {
            json << c;
        }
    }
    json << '"';
    return json.str();
}

std::string json_of(const PurgeReport& report) {
    const Purge& purge = report.purge;
    std::ostringstream json;
    json << "{\n"
         << "  \"purge\": " << json_string(purge.uuid) << ",\n"
         << "  \"event\": " << purge.event << ",\n"
         << "  \"event_name\": " << json_string(purge.event_name) << ",\n"
         << "  \"begun\": " << json_string(time_text(purge.begun)) << ",\n"
         << "  \"finished\": " << json_string(time_text(report.finished)) << ",\n"
         << "  \"resumed\": " << (purge.resumed ? "true" : "false") << ",\n"
         << "  \"removed\": {\n";
    const char* divider = "";
    for (const auto& [kind, count] : purge.removed) {
        json << divider << "    " << json_string(kind) << ": " << count;
        divider = ",\n";
    }
    json << "\n  },\n"
         << "  \"catalog_bytes_before\": " << purge.bytes << ",\n"
         << "  \"catalog_bytes_after\": " << report.bytes_after << ",\n"
         << "  \"not_included\": [\n"
         << "    \"the photos and videos themselves, in their sources\",\n"
         << "    \"clips, copies, reports and exports that were written to other folders\",\n"
         << "    \"older versions that a bucket keeps of what is removed from it, where that is switched "
            "on\"\n"
         << "  ],\n"
         << "  \"software\": \"eventlens " EVENTLENS_VERSION "\"\n"
         << "}\n";
    return json.str();
}

}  // namespace

std::filesystem::path write_receipt(const std::filesystem::path& folder, const PurgeReport& report) {
    const std::string name =
        "purge-" + time_text(report.purge.begun, true) + "-" + report.purge.uuid + ".json";
    const std::string json = json_of(report);
    open_store(folder.string())
        ->write(name, std::as_bytes(std::span(json)), {.content_type = "application/json"});
    return folder / name;
}

}  // namespace eventlens

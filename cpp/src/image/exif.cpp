#include "image/exif.h"

#include <libexif/exif-data.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/c_handle.h"

namespace eventlens {

namespace {

using Exif = CHandle<ExifData, exif_data_unref>;

constexpr std::string_view block_header("Exif\0\0", 6);

std::string text_of(const ExifData& data, ExifIfd directory, ExifTag tag) {
    const ExifEntry* entry = exif_content_get_entry(data.ifd[directory], tag);
    if (!entry || entry->format != EXIF_FORMAT_ASCII || !entry->data) return {};
    const char* text = reinterpret_cast<const char*>(entry->data);
    return {text, strnlen(text, entry->size)};
}

int orientation_of(ExifData& data) {
    const ExifEntry* entry = exif_content_get_entry(data.ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (!entry || entry->format != EXIF_FORMAT_SHORT || !entry->data || entry->size < 2) return 0;
    return exif_get_short(entry->data, exif_data_get_byte_order(&data));
}

// A name as cameras write it: 7-bit text, perhaps padded. Anything else would end up in JSON and file names.
std::string clean_name(std::string_view raw) {
    constexpr std::size_t longest = 64;
    std::string name;
    for (const char c : raw.substr(0, longest)) {
        if (c >= 0x20 && c < 0x7F) name += c;
    }
    const std::size_t begin = name.find_first_not_of(' ');
    if (begin == std::string::npos) return {};
    return name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
}

// "Canon" and "Canon EOS R5" are one camera, not "Canon Canon EOS R5".
std::string camera_of(const ExifFields& fields) {
    const std::string make = clean_name(fields.make);
    const std::string model = clean_name(fields.model);
    const std::string serial = clean_name(fields.body_serial);
    std::string camera = model.starts_with(make) ? model : make + (model.empty() ? "" : " ") + model;
    if (!camera.empty() && !serial.empty()) camera += " #" + serial;
    return camera;
}

// Exactly `count` digits at `begin`.
std::optional<int> number_at(std::string_view text, std::size_t begin, std::size_t count) {
    if (begin + count > text.size()) return std::nullopt;
    int number = 0;
    for (const char c : text.substr(begin, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

// "2026:05:09 07:31:02"; some writers use - or / in the date and T before the time.
std::optional<std::chrono::milliseconds> parse_date(std::string_view text) {
    using namespace std::chrono;
    const auto year_number = number_at(text, 0, 4);
    const auto month_number = number_at(text, 5, 2);
    const auto day_number = number_at(text, 8, 2);
    const auto hour = number_at(text, 11, 2);
    const auto minute = number_at(text, 14, 2);
    const auto second = number_at(text, 17, 2);
    if (!year_number || !month_number || !day_number || !hour || !minute || !second) return std::nullopt;
    const auto separated = [&](std::size_t position, std::string_view by) {
        return by.find(text[position]) != std::string_view::npos;
    };
    if (!separated(4, ":-/") || !separated(7, ":-/") || !separated(10, " T") || !separated(13, ":") ||
        !separated(16, ":")) {
        return std::nullopt;
    }
    const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                              day{static_cast<unsigned>(*day_number)}};
    // No digital camera took a photo before 1970: such dates are an unset clock or nonsense.
    if (!date.ok() || *year_number < 1970 || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    return sys_days(date).time_since_epoch() + hours(*hour) + minutes(*minute) + seconds(*second);
}

// "5" is half a second, "123456" is 123 ms.
int parse_subseconds(std::string_view digits) {
    int milliseconds = 0;
    int unit = 100;
    for (const char c : digits) {
        if (c < '0' || c > '9') break;
        milliseconds += (c - '0') * unit;
        unit /= 10;
    }
    return milliseconds;
}

// "+02:00", "-03:30". Clocks on Earth differ from UTC by at most 14 hours.
std::optional<int> parse_offset(std::string_view text) {
    const auto hour = number_at(text, 1, 2);
    const auto minute = number_at(text, 4, 2);
    if (!hour || !minute || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const int total = *hour * 60 + *minute;
    if (*minute > 59 || total > 14 * 60) return std::nullopt;
    return text[0] == '-' ? -total : total;
}

}  // namespace

ExifFields read_exif(std::span<const std::byte> block) {
    // libexif wants the header, and TIFF-like formats come without it.
    std::vector<unsigned char> bytes(block_header.begin(), block_header.end());
    const auto* begin = reinterpret_cast<const unsigned char*>(block.data());
    const bool headed = block.size() >= block_header.size() &&
                        std::memcmp(begin, block_header.data(), block_header.size()) == 0;
    bytes.insert(bytes.end(), begin + (headed ? block_header.size() : 0), begin + block.size());
    if (bytes.size() > std::numeric_limits<unsigned>::max()) return {};

    const Exif exif(exif_data_new());
    if (!exif) return {};
    // As written: no invented defaults, no corrections.
    exif_data_unset_option(exif.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(exif.get(), bytes.data(), static_cast<unsigned>(bytes.size()));

    ExifFields fields;
    fields.orientation = orientation_of(*exif);
    fields.make = text_of(*exif, EXIF_IFD_0, EXIF_TAG_MAKE);
    fields.model = text_of(*exif, EXIF_IFD_0, EXIF_TAG_MODEL);
    fields.body_serial = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_BODY_SERIAL_NUMBER);
    fields.date = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL);
    fields.subseconds = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_SUB_SEC_TIME_ORIGINAL);
    fields.utc_offset = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_ORIGINAL);
    if (!parse_date(fields.date)) {
        fields.date = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED);
        fields.subseconds = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_SUB_SEC_TIME_DIGITIZED);
        fields.utc_offset = text_of(*exif, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_DIGITIZED);
    }
    return fields;
}

PhotoMetadata interpret(const ExifFields& fields) {
    PhotoMetadata metadata;
    if (fields.orientation >= 1 && fields.orientation <= 8) metadata.orientation = fields.orientation;
    metadata.camera = camera_of(fields);
    if (const auto date = parse_date(fields.date)) {
        const auto moment = *date + std::chrono::milliseconds(parse_subseconds(fields.subseconds));
        metadata.captured = CaptureTime{moment.count(), parse_offset(fields.utc_offset)};
    }
    return metadata;
}

}  // namespace eventlens

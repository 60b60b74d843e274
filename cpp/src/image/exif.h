#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "eventlens/image.h"

namespace eventlens {

// What a file says, word for word; nothing is checked yet. Empty or 0: absent.
struct ExifFields {
    int orientation = 0;
    std::string make;
    std::string model;
    std::string body_serial;
    std::string date;        // "2026:05:09 07:31:02"
    std::string subseconds;  // the digits behind the decimal point
    std::string utc_offset;  // "+02:00"
};

// Reads an EXIF block: a TIFF header and its directories, with or without "Exif\0\0" before it. Never throws
// for broken content: what cannot be read is absent.
ExifFields read_exif(std::span<const std::byte> block);

// Keeps what makes sense. Safe for any bytes; the camera's name comes out as printable ASCII.
PhotoMetadata interpret(const ExifFields& fields);

}  // namespace eventlens

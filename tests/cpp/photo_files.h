#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/image.h"

// Photo files made in memory, so that tests need no fixtures.
namespace eventlens::testing {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline void append(Bytes& to, std::span<const std::byte> from) {
    to.insert(to.end(), from.begin(), from.end());
}
inline void append(Bytes& to, std::string_view from) {
    append(to, std::as_bytes(std::span(from)));
}
inline void append_number(Bytes& to, std::uint64_t number, int bytes, bool big_endian) {
    for (int i = 0; i < bytes; ++i) {
        const int shift = 8 * (big_endian ? bytes - 1 - i : i);
        to.push_back(static_cast<std::byte>(number >> shift & 0xFF));
    }
}

// An asymmetric picture: every corner has its own colour, so that any rotation or mirroring shows.
inline Image corner_picture(Size size) {
    Image image(size, PixelFormat::rgb8);
    std::uint8_t* pixel = image.pixels().data();
    for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x, pixel += 3) {
            const bool right = x >= size.width / 2;
            const bool low = y >= size.height / 2;
            pixel[0] = right ? 220 : 30;
            pixel[1] = low ? 200 : 40;
            pixel[2] = right && low ? 10 : 120;
        }
    }
    return image;
}

// What a camera would have stored for `upright` when it declares `orientation` (EXIF 1..8). Written from
// EXIF's table, pixel by pixel, and so independent of the code under test.
inline Image as_stored(const Image& upright, int orientation) {
    const Size shown = upright.size();
    const Size size = orientation >= 5 ? Size{shown.height, shown.width} : shown;
    Image stored(size, PixelFormat::rgb8);
    for (int row = 0; row < size.height; ++row) {
        for (int column = 0; column < size.width; ++column) {
            int x = column;
            int y = row;
            switch (orientation) {
                case 2: x = shown.width - 1 - column; break;
                case 3: x = shown.width - 1 - column, y = shown.height - 1 - row; break;
                case 4: y = shown.height - 1 - row; break;
                case 5: x = row, y = column; break;                    // row 0 is the left side
                case 6: x = shown.width - 1 - row, y = column; break;  // row 0: the right side
                case 7: x = shown.width - 1 - row, y = shown.height - 1 - column; break;
                case 8: x = row, y = shown.height - 1 - column; break;
                default: break;
            }
            const auto pixel = [](Size of, int at_x, int at_y) {
                return 3 * (static_cast<std::size_t>(at_y) * static_cast<std::size_t>(of.width) +
                            static_cast<std::size_t>(at_x));
            };
            std::copy_n(upright.pixels().data() + pixel(shown, x, y), 3,
                        stored.pixels().data() + pixel(size, column, row));
        }
    }
    return stored;
}

struct ExifText {
    int orientation = 0;
    std::string make{};  // empty: the tag is left out; so for all of these
    std::string model{};
    std::string serial{};
    std::string date{};
    std::string subseconds{};
    std::string offset{};
};

// An EXIF block without the "Exif\0\0" before it: TIFF header, directory 0, EXIF directory.
inline Bytes exif_block(const ExifText& text, bool big_endian = false) {
    struct Entry {
        std::uint16_t tag;
        std::string ascii;  // written when not empty
        std::uint32_t number = 0;
        std::uint16_t type = 2;
    };
    std::vector<Entry> first;
    std::vector<Entry> second;
    if (!text.make.empty()) first.push_back({0x010F, text.make});
    if (!text.model.empty()) first.push_back({0x0110, text.model});
    if (text.orientation != 0) first.push_back({0x0112, "", static_cast<std::uint32_t>(text.orientation), 3});
    if (!text.date.empty()) second.push_back({0x9003, text.date});
    if (!text.offset.empty()) second.push_back({0x9011, text.offset});
    if (!text.subseconds.empty()) second.push_back({0x9291, text.subseconds});
    if (!text.serial.empty()) second.push_back({0xA431, text.serial});
    const auto directory_size = [](std::size_t entries) { return 2 + 12 * entries + 4; };
    if (!second.empty()) {
        first.push_back({0x8769, "", static_cast<std::uint32_t>(8 + directory_size(first.size() + 1)), 4});
    }
    Bytes block =
        big_endian ? bytes_of(std::string_view("MM\0*", 4)) : bytes_of(std::string_view("II*\0", 4));
    const auto number = [&](std::uint64_t value, int bytes) {
        append_number(block, value, bytes, big_endian);
    };
    number(8, 4);
    Bytes strings;
    std::size_t strings_begin = 8 + directory_size(first.size());
    if (!second.empty()) strings_begin += directory_size(second.size());
    for (const auto* entries : {&first, &second}) {
        if (entries->empty() && entries == &second) continue;
        number(entries->size(), 2);
        for (const Entry& entry : *entries) {
            number(entry.tag, 2);
            number(entry.type, 2);
            number(entry.ascii.empty() ? 1 : entry.ascii.size() + 1, 4);
            if (entry.ascii.empty()) {
                number(entry.number, entry.type == 3 ? 2 : 4);
                if (entry.type == 3) number(0, 2);
            } else if (entry.ascii.size() + 1 <= 4) {
                append(block, entry.ascii);
                for (std::size_t i = entry.ascii.size(); i < 4; ++i) block.push_back(std::byte{0});
            } else {
                number(strings_begin + strings.size(), 4);
                append(strings, entry.ascii);
                strings.push_back(std::byte{0});
            }
        }
        number(0, 4);
    }
    append(block, strings);
    return block;
}

// The JPEG with an APP1 segment after its first marker.
inline Bytes with_exif(const Bytes& jpeg, const Bytes& block) {
    Bytes whole(jpeg.begin(), jpeg.begin() + 2);
    append(whole, "\xFF\xE1");
    append_number(whole, block.size() + 8, 2, true);
    append(whole, std::string_view("Exif\0\0", 6));
    append(whole, block);
    append(whole, std::span(jpeg).subspan(2));
    return whole;
}

// An ICC profile for pixels of a colour space ("RGB ", "GRAY", "CMYK"), sound in its head; `bytes`, a
// multiple of four, are filled with a tag that means nothing.
inline Bytes colour_profile(std::string_view colour_space, std::size_t bytes) {
    Bytes profile;
    const auto number = [&](std::uint64_t value) { append_number(profile, value, 4, true); };
    number(bytes);
    number(0);           // made by nobody's program
    number(0x02400000);  // version 2.4
    append(profile, "mntr");
    append(profile, colour_space);
    append(profile, "XYZ ");
    profile.resize(36);  // date
    append(profile, "acsp");
    profile.resize(68);  // platform, flags, maker, model, attributes, rendering intent
    number(0x0000F6D6);  // the white of D50
    number(0x00010000);
    number(0x0000D32D);
    profile.resize(128);
    number(1);  // tags
    append(profile, "cprt");
    number(144);
    number(bytes - 144);
    append(profile, "text");
    number(0);
    for (std::size_t i = profile.size(); i < bytes; ++i) profile.push_back(static_cast<std::byte>(i % 251));
    return profile;
}

// Mean absolute difference per channel, 0..255; 255 when the sizes differ.
inline double difference(const Image& a, const Image& b) {
    if (a.size() != b.size() || a.format() != b.format()) return 255;
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels().size(); ++i)
        sum += std::abs(int{a.pixels()[i]} - int{b.pixels()[i]});
    return sum / static_cast<double>(a.pixels().size());
}

}  // namespace eventlens::testing

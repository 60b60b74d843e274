#include "eventlens/image.h"

#include <gtest/gtest.h>

#include <optional>

#include "eventlens/error.h"
#include "photo_files.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;

std::optional<ErrorCode> code_of_decoding(std::span<const std::byte> encoded) {
    try {
        decode_photo(encoded);
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

TEST(DecodePhoto, TellsBrokenBytesFromUnknownFormats) {
    EXPECT_EQ(code_of_decoding({}), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of("just text, renamed to photo.jpg")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("GIF89a\1\0\1\0")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("BM______________")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("\xFF\xD8\xFFnot really")), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of("\x89PNG\r\n\x1A\nnot really")), ErrorCode::bad_input);
}

TEST(DecodePhoto, TurnsEveryOrientationUpright) {
    const Image upright = corner_picture({64, 48});
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const Image stored = as_stored(upright, orientation);
        for (const bool big_endian : {false, true}) {
            const Bytes file = with_exif(encode_jpeg(stored.view(), 95),
                                         exif_block({.orientation = orientation}, big_endian));
            const DecodedPhoto photo = decode_photo(file);
            EXPECT_EQ(photo.metadata.orientation, orientation);
            EXPECT_EQ(photo.full_size, upright.size());
            EXPECT_LT(difference(photo.image, upright), 3) << "orientation " << orientation;
        }
    }
}

TEST(DecodePhoto, PngKeepsEveryPixel) {
    const Image picture = corner_picture({31, 17});
    EXPECT_EQ(difference(decode_image(encode_png(picture.view())), picture), 0);
}

TEST(DecodePhoto, ReducesOnlyAsFarAsAsked) {
    const Bytes file =
        with_exif(encode_jpeg(corner_picture({1600, 800}).view()), exif_block({.orientation = 6}));
    const auto reduced = [&](int enough) {
        return decode_photo(file, {.limits = {}, .enough_long_side = enough});
    };
    EXPECT_EQ(reduced(0).image.size(), (Size{800, 1600}));
    EXPECT_EQ(reduced(801).image.size(), (Size{800, 1600}));
    EXPECT_EQ(reduced(800).image.size(), (Size{400, 800}));
    EXPECT_EQ(reduced(400).image.size(), (Size{200, 400}));
    EXPECT_EQ(reduced(1).image.size(), (Size{100, 200}));  // an eighth is the least
    EXPECT_EQ(reduced(1).full_size, (Size{800, 1600}));
    const Image small = resize_image(corner_picture({800, 400}).view(), {400, 200});
    const Bytes of_small = with_exif(encode_jpeg(small.view()), exif_block({.orientation = 6}));
    EXPECT_LT(difference(reduced(400).image, decode_image(of_small)), 2);
}

}  // namespace
}  // namespace eventlens

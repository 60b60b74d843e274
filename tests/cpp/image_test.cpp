#include "eventlens/image.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <thread>

#include "eventlens/error.h"
#include "format_files.h"
#include "image/exif.h"
#include "image/warp.h"

// libx265, which writes the HEIC files of these tests, keeps some tables until the process ends.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): its given name
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "leak:libx265\n";
}

namespace eventlens {
namespace {

using namespace eventlens::testing;

std::optional<ErrorCode> code_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

std::optional<ErrorCode> code_of_decoding(std::span<const std::byte> encoded) {
    return code_of([&] { decode_photo(encoded); });
}

std::array<int, 3> colour_at(const Image& image, int x, int y) {
    const std::uint8_t* pixel = image.view().pixels + y * image.view().row_bytes + x * 3;
    return {pixel[0], pixel[1], pixel[2]};
}

// Small, one of each format.
std::map<std::string, Bytes> one_of_each() {
    const Image picture = corner_picture({20, 12});
    std::map<std::string, Bytes> files{
        {"jpeg", with_exif(encode_jpeg(picture.view()), exif_block({.orientation = 6, .make = "Maker"}))},
        {"progressive jpeg", jpeg_in_scans(picture, true)},
        {"jpeg in three scans", jpeg_in_scans(picture, false)},
        {"png", encode_png(picture.view())},
        {"png with exif",
         png_file(picture.size(), samples_of(picture), {.exif = exif_block({.orientation = 3})})},
        {"webp", webp_file(picture)},
        {"webp with exif", webp_with_exif(picture, exif_block({.orientation = 3}))},
        {"animated webp", animated_webp({20, 12}, {{picture}, {corner_picture({6, 4}), 2, 2}})},
        {"tiff", tiff_file({.size = {20, 12}}, samples_of(picture))},
        {"tiled tiff",
         tiff_file({.size = {20, 12}, .compression = COMPRESSION_NONE, .tiled = true}, samples_of(picture))},
    };
    if (can_write_heic())
        files["heic"] = heic_file(corner_picture({64, 64}), 6, exif_block({.make = "Maker"}));
    return files;
}

TEST(DecodePhoto, TellsBrokenBytesFromUnknownFormats) {
    EXPECT_EQ(code_of_decoding({}), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of("just text, renamed to photo.jpg")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("GIF89a\1\0\1\0")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("BM______________")), ErrorCode::unsupported);
    EXPECT_EQ(code_of_decoding(bytes_of("\xFF\xD8\xFFnot really")), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of("\x89PNG\r\n\x1A\nnot really")), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of("RIFF____WEBPnot really")), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of(std::string_view("II*\0not really", 14))), ErrorCode::bad_input);
    EXPECT_EQ(code_of_decoding(bytes_of(std::string_view("\0\0\0\x14"
                                                         "ftypheic\0\0\0\0heicnot really",
                                                         30))),
              ErrorCode::bad_input);
}

// Property: every proper prefix of a valid file is an error, never a crash or half an image.
TEST(DecodePhoto, RejectsEveryTruncation) {
    for (const auto& [name, file] : one_of_each()) {
        ASSERT_EQ(code_of_decoding(file), std::nullopt) << name;
        for (std::size_t length = 0; length < file.size(); ++length) {
            EXPECT_NE(code_of_decoding(std::span(file).first(length)), std::nullopt)
                << name << " cut to " << length << " of " << file.size();
        }
    }
}

// A file cut short whose end marker was put back: libjpeg would fill it with grey.
TEST(DecodePhoto, RejectsJpegWithALostMiddle) {
    const Bytes whole = encode_jpeg(corner_picture({160, 120}).view());
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * 3 / 4));
    append(cut, "\xFF\xD9");
    EXPECT_EQ(code_of_decoding(cut), ErrorCode::bad_input);
}

TEST(DecodePhoto, ToleratesStrayBytesThatHurtNothing) {
    const Image picture = corner_picture({32, 32});
    Bytes file = encode_jpeg(picture.view());
    append(file, "trailing maker's data");
    EXPECT_EQ(code_of_decoding(file), std::nullopt);
}

TEST(DecodePhoto, TurnsEveryOrientationUpright) {
    const Image upright = corner_picture({64, 48});
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const Image stored = as_stored(upright, orientation);
        const Bytes little = exif_block({.orientation = orientation});
        const Bytes big = exif_block({.orientation = orientation}, true);
        const Bytes headed = [&] {
            Bytes block = bytes_of(std::string_view("Exif\0\0", 6));
            append(block, big);
            return block;
        }();
        std::map<std::string, Bytes> files{
            {"jpeg", with_exif(encode_jpeg(stored.view(), 95), little)},
            {"jpeg, big endian", with_exif(encode_jpeg(stored.view(), 95), big)},
            {"png", png_file(stored.size(), samples_of(stored), {.exif = big})},
            {"webp", webp_with_exif(stored, little)},
            {"webp, with header", webp_with_exif(stored, headed)},
            {"tiff", tiff_file({.size = stored.size(), .orientation = orientation}, samples_of(stored))},
        };
        for (const auto& [name, file] : files) {
            const DecodedPhoto photo = decode_photo(file);
            EXPECT_EQ(photo.metadata.orientation, orientation) << name;
            EXPECT_EQ(photo.full_size, upright.size()) << name;
            EXPECT_LT(difference(photo.image, upright), name.starts_with("jpeg") ? 3 : 1e-9)
                << name << ", orientation " << orientation;
        }
    }
}

TEST(DecodePhoto, HeicTurnsByItsContainerAndNotByExif) {
    if (!can_write_heic()) GTEST_SKIP() << "this libheif has no HEVC encoder";
    const Image upright = corner_picture({128, 64});
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const Bytes exif =
            exif_block({.orientation = orientation, .make = "Phone", .date = "2026:05:09 07:31:02"});
        const DecodedPhoto photo =
            decode_photo(heic_file(as_stored(upright, orientation), orientation, exif));
        EXPECT_EQ(photo.full_size, upright.size());
        EXPECT_LT(difference(photo.image, upright), 5) << "orientation " << orientation;
        EXPECT_EQ(photo.metadata.orientation, 1);
        EXPECT_EQ(photo.metadata.camera, "Phone");
        EXPECT_TRUE(photo.metadata.captured);
    }
}

TEST(DecodePhoto, IgnoresNonsenseOrientation) {
    const Image picture = corner_picture({32, 16});
    for (const int orientation : {0, 9, 255, 65535}) {
        const DecodedPhoto photo =
            decode_photo(with_exif(encode_jpeg(picture.view()), exif_block({.orientation = orientation})));
        EXPECT_EQ(photo.metadata.orientation, 1);
        EXPECT_EQ(photo.image.size(), picture.size());
    }
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
    const Image small = resize_image(decode_image(file).view(), {200, 400});
    EXPECT_LT(difference(reduced(400).image, small), 1);
    // Odd sizes are rounded up; the size of the whole stays exact.
    const DecodedPhoto odd = decode_photo(encode_jpeg(corner_picture({1001, 333}).view()),
                                          {.limits = {}, .enough_long_side = 500});
    EXPECT_EQ(odd.image.size(), (Size{501, 167}));
    EXPECT_EQ(odd.full_size, (Size{1001, 333}));
}

TEST(DecodePhoto, MakesEveryKindOfPngEightBitRgb) {
    using Colour = std::array<int, 3>;
    const auto first_pixel = [](const Bytes& file) { return colour_at(decode_image(file), 0, 0); };
    EXPECT_EQ(first_pixel(png_file({1, 1}, {77}, {.colour_type = PNG_COLOR_TYPE_GRAY})),
              (Colour{77, 77, 77}));
    EXPECT_EQ(first_pixel(png_file({1, 1}, {0x80}, {.colour_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 1})),
              (Colour{255, 255, 255}));
    EXPECT_EQ(
        first_pixel(png_file({1, 1}, {0x40, 0x40}, {.colour_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 16})),
        (Colour{64, 64, 64}));
    EXPECT_EQ(first_pixel(png_file({1, 1}, {10, 10, 20, 20, 30, 30}, {.bit_depth = 16})),
              (Colour{10, 20, 30}));
    EXPECT_EQ(first_pixel(png_file({1, 1}, {50, 0}, {.colour_type = PNG_COLOR_TYPE_GRAY_ALPHA})),
              (Colour{255, 255, 255}));
    EXPECT_EQ(first_pixel(png_file({1, 1}, {0, 100, 200, 255}, {.colour_type = PNG_COLOR_TYPE_RGB_ALPHA})),
              (Colour{0, 100, 200}));
    EXPECT_EQ(first_pixel(png_file({1, 1}, {0, 100, 200, 51}, {.colour_type = PNG_COLOR_TYPE_RGB_ALPHA})),
              (Colour{204, 224, 244}));
    const PngKind palette{.colour_type = PNG_COLOR_TYPE_PALETTE,
                          .bit_depth = 4,
                          .palette = {{1, 2, 3}, {40, 50, 60}},
                          .palette_alpha = {}};
    EXPECT_EQ(first_pixel(png_file({1, 1}, {0x10}, palette)), (Colour{40, 50, 60}));
    PngKind transparent = palette;
    transparent.palette_alpha = {255, 0};
    EXPECT_EQ(first_pixel(png_file({1, 1}, {0x10}, transparent)), (Colour{255, 255, 255}));

    const Image picture = corner_picture({37, 23});
    EXPECT_EQ(
        difference(decode_image(png_file({37, 23}, samples_of(picture), {.interlaced = true})), picture), 0);
    EXPECT_EQ(difference(decode_image(encode_png(picture.view())), picture), 0);
}

TEST(DecodePhoto, ReadsGreyAndCmykJpeg) {
    Image grey({16, 16}, PixelFormat::gray8);
    std::ranges::fill(grey.pixels(), std::uint8_t{99});
    const Image shown = decode_image(encode_jpeg(grey.view(), 100));
    EXPECT_EQ(shown.format(), PixelFormat::rgb8);
    EXPECT_EQ(colour_at(shown, 8, 8), (std::array{99, 99, 99}));

    // Cyan 20 %, magenta 60 %, no yellow, black 20 %: (1 - ink) * (1 - black) * 255.
    const std::array<std::uint8_t, 4> ink{51, 153, 0, 51};
    for (const bool adobe : {true, false}) {
        for (const bool ycck : {false, true}) {
            if (ycck && !adobe) continue;  // without the marker nobody could tell
            std::vector<std::uint8_t> pixels;
            for (int i = 0; i < 16 * 16; ++i) {
                for (const std::uint8_t channel : ink) {
                    pixels.push_back(adobe ? static_cast<std::uint8_t>(255 - channel) : channel);
                }
            }
            const auto colour = colour_at(decode_image(cmyk_jpeg({16, 16}, pixels, adobe, ycck)), 8, 8);
            EXPECT_NEAR(colour[0], 163, 3) << adobe << ycck;
            EXPECT_NEAR(colour[1], 82, 3) << adobe << ycck;
            EXPECT_NEAR(colour[2], 204, 3) << adobe << ycck;
        }
    }
}

TEST(DecodePhoto, ReadsWebpStillAndMoving) {
    const Image picture = corner_picture({40, 30});
    EXPECT_EQ(difference(decode_image(webp_file(picture)), picture), 0);
    EXPECT_EQ(difference(decode_image(animated_webp({40, 30}, {{picture}, {corner_picture({8, 8}), 4, 4}})),
                         picture),
              0);

    // The first frame covers a corner; the rest is white.
    const Image partial =
        decode_image(animated_webp({40, 30}, {{corner_picture({10, 10}), 20, 10}, {picture}}));
    EXPECT_EQ(partial.size(), (Size{40, 30}));
    EXPECT_EQ(colour_at(partial, 0, 0), (std::array{255, 255, 255}));
    EXPECT_EQ(colour_at(partial, 20, 10), colour_at(picture, 0, 0));
    EXPECT_EQ(colour_at(partial, 29, 19), colour_at(picture, 39, 29));
    EXPECT_EQ(colour_at(partial, 30, 20), (std::array{255, 255, 255}));

    std::vector<std::uint8_t> rgba(16 * 16 * 4, 0);
    for (std::size_t i = 0; i < rgba.size(); i += 4)
        rgba[i + 1] = 200, rgba[i + 3] = i / 4 % 16 < 8 ? 255 : 0;
    for (const bool lossless : {true, false}) {
        const Image shown = decode_image(webp_rgba_file({16, 16}, rgba, lossless));
        EXPECT_NEAR(colour_at(shown, 2, 8)[0], 0, 6);
        EXPECT_NEAR(colour_at(shown, 2, 8)[1], 200, 6);
        EXPECT_EQ(colour_at(shown, 13, 8), (std::array{255, 255, 255}));
    }
}

TEST(DecodePhoto, ReadsManyKindsOfTiff) {
    const Image picture = corner_picture({40, 20});
    const auto rgb = samples_of(picture);
    for (const int compression :
         {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
        EXPECT_EQ(
            difference(decode_image(tiff_file({.size = {40, 20}, .compression = compression}, rgb)), picture),
            0)
            << compression;
    }
    EXPECT_EQ(difference(decode_image(tiff_file({.size = {40, 20}, .tiled = true}, rgb)), picture), 0);

    std::vector<std::uint8_t> wide;
    for (const std::uint8_t sample : rgb) wide.insert(wide.end(), {sample, sample});
    EXPECT_LE(difference(decode_image(tiff_file({.size = {40, 20}, .bits = 16}, wide)), picture), 1);

    const TiffKind grey{.size = {2, 1}, .samples = 1, .photometric = PHOTOMETRIC_MINISBLACK};
    EXPECT_EQ(colour_at(decode_image(tiff_file(grey, {77, 200})), 1, 0), (std::array{200, 200, 200}));
    const TiffKind cmyk{.size = {1, 1}, .samples = 4, .photometric = PHOTOMETRIC_SEPARATED};
    const auto printed = colour_at(decode_image(tiff_file(cmyk, {51, 153, 0, 51})), 0, 0);
    EXPECT_NEAR(printed[0], 163, 2);
    EXPECT_NEAR(printed[1], 82, 2);
    EXPECT_NEAR(printed[2], 204, 2);
    const TiffKind alpha{.size = {2, 1}, .samples = 4, .alpha = true};
    const Image shown = decode_image(tiff_file(alpha, {0, 100, 200, 255, 0, 100, 200, 51}));
    EXPECT_EQ(colour_at(shown, 0, 0), (std::array{0, 100, 200}));
    EXPECT_NEAR(colour_at(shown, 1, 0)[0], 204, 1);
    EXPECT_NEAR(colour_at(shown, 1, 0)[1], 224, 1);
}

TEST(DecodePhoto, ReadsHeic) {
    if (!can_write_heic()) GTEST_SKIP() << "this libheif has no HEVC encoder";
    const Image picture = corner_picture({130, 70});  // not a multiple of the coding unit
    EXPECT_LT(difference(decode_image(heic_file(picture)), picture), 5);
}

// --- Bombs

void overwrite(Bytes& file, std::size_t at, std::uint64_t number, int bytes, bool big_endian) {
    Bytes digits;
    append_number(digits, number, bytes, big_endian);
    std::ranges::copy(digits, file.begin() + static_cast<std::ptrdiff_t>(at));
}

std::size_t position_of(const Bytes& file, std::string_view marker) {
    const auto text = std::as_bytes(std::span(marker));
    return static_cast<std::size_t>(std::search(file.begin(), file.end(), text.begin(), text.end()) -
                                    file.begin());
}

std::uint32_t png_checksum(std::span<const std::byte> bytes) {
    std::uint32_t sum = 0xFFFFFFFF;
    for (const std::byte byte : bytes) {
        sum ^= static_cast<std::uint32_t>(byte);
        for (int i = 0; i < 8; ++i) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
    }
    return ~sum;
}

std::map<std::string, Bytes> bombs() {
    constexpr int side = 30'000;
    auto files = one_of_each();
    const std::size_t frame = position_of(files["jpeg"], "\xFF\xC0");
    overwrite(files["jpeg"], frame + 5, side, 2, true);
    overwrite(files["jpeg"], frame + 7, side, 2, true);
    overwrite(files["png"], 16, side, 4, true);
    overwrite(files["png"], 20, side, 4, true);
    overwrite(files["png"], 29, png_checksum(std::span(files["png"]).subspan(12, 17)), 4, true);
    // Directory entries: tag, type 3 (16 bits), one number.
    overwrite(files["tiff"], position_of(files["tiff"], {"\0\1\3\0\1\0\0\0", 8}) + 8, side, 2, false);
    overwrite(files["tiff"], position_of(files["tiff"], {"\1\1\3\0\1\0\0\0", 8}) + 8, side, 2, false);
    overwrite(files["animated webp"], 24, side - 1, 3, false);
    overwrite(files["animated webp"], 27, side - 1, 3, false);
    std::map<std::string, Bytes> large{{"jpeg", files["jpeg"]},
                                       {"png", files["png"]},
                                       {"webp", files["animated webp"]},
                                       {"tiff", files["tiff"]}};
    if (can_write_heic()) {
        const std::size_t box = position_of(files["heic"], "ispe");
        overwrite(files["heic"], box + 8, side, 4, true);
        overwrite(files["heic"], box + 12, side, 4, true);
        large["heic"] = files["heic"];
    }
    return large;
}

TEST(DecodePhoto, RefusesBombsBeforeAllocating) {
    const auto peak_kilobytes = [] {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
    };
    for (const auto& [name, file] : bombs()) {
        const long before = peak_kilobytes();
        try {
            decode_photo(file);
            ADD_FAILURE() << name << " was decoded";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::bad_input) << name;
            const std::string reason = name == "heic" ? "exceeds" : "too large";  // libheif looks first
            EXPECT_NE(std::string(error.what()).find(reason), std::string::npos)
                << name << ": " << error.what();
        }
        EXPECT_LT(peak_kilobytes() - before, 50'000) << name;  // the pixels would take 2,600,000
    }
}

TEST(DecodePhoto, TheLimitIsTheCallersChoice) {
    const Bytes file = encode_png(corner_picture({20, 10}).view());
    EXPECT_EQ(code_of([&] { decode_image(file, {.max_pixels = 199}); }), ErrorCode::bad_input);
    EXPECT_EQ(decode_image(file, {.max_pixels = 200}).size(), (Size{20, 10}));
}

// A scan of some bytes costs a pass over the whole picture.
TEST(DecodePhoto, RefusesJpegWithEndlessScans) {
    const Bytes whole = jpeg_in_scans(corner_picture({64, 64}), false);
    const auto cut = [&](std::size_t from, std::size_t to) {
        return Bytes(whole.begin() + static_cast<std::ptrdiff_t>(from),
                     whole.begin() + static_cast<std::ptrdiff_t>(to));
    };
    const std::size_t begin = position_of(whole, "\xFF\xDA");
    const std::size_t end = begin + 2 + position_of(cut(begin + 2, whole.size()), "\xFF\xC4");
    const auto repeated = [&](int times) {
        Bytes file = cut(0, begin);
        for (int i = 0; i < times; ++i) append(file, cut(begin, end));
        append(file, cut(end, whole.size()));
        return file;
    };
    EXPECT_EQ(code_of_decoding(repeated(20)), std::nullopt);
    EXPECT_EQ(code_of_decoding(repeated(1000)), ErrorCode::bad_input);
}

// --- Metadata

PhotoMetadata metadata_of(const ExifText& text) {
    return decode_photo(with_exif(encode_jpeg(corner_picture({8, 8}).view()), exif_block(text))).metadata;
}

TEST(Metadata, ReadsWhenAndByWhatAPhotoWasTaken) {
    const ExifText text{.make = "Canon",
                        .model = "Canon EOS R5",
                        .serial = "012345",
                        .date = "2026:05:09 07:31:02",
                        .subseconds = "25",
                        .offset = "+02:00"};
    // 2026-05-09T07:31:02 as if it were UTC, and a quarter of a second.
    const CaptureTime expected{1'778'311'862'250, 120};
    const PhotoMetadata metadata = metadata_of(text);
    EXPECT_EQ(metadata.captured, expected);
    EXPECT_EQ(metadata.camera, "Canon EOS R5 #012345");
    const Image picture = corner_picture({20, 12});
    const PhotoMetadata tiff =
        decode_photo(tiff_file({.size = {20, 12}, .exif = text}, samples_of(picture))).metadata;
    EXPECT_EQ(tiff.captured, expected);
    EXPECT_EQ(tiff.camera, metadata.camera);
    EXPECT_EQ(decode_photo(webp_with_exif(picture, exif_block(text))).metadata.captured, expected);
    EXPECT_EQ(decode_photo(png_file({20, 12}, samples_of(picture), {.exif = exif_block(text, true)}))
                  .metadata.captured,
              expected);
}

TEST(Metadata, ReadsWhatThereIs) {
    EXPECT_EQ(metadata_of({.date = "1970:01:01 00:00:00"}).captured, (CaptureTime{0, std::nullopt}));
    EXPECT_EQ(metadata_of({.date = "2024-02-29T23:59:59"}).captured->local_milliseconds, 1'709'251'199'000);
    EXPECT_EQ(
        metadata_of({.date = "1970:01:01 00:00:00", .subseconds = "123456"}).captured->local_milliseconds,
        123);
    EXPECT_EQ(metadata_of({.date = "1970:01:01 00:00:00", .subseconds = "5  "}).captured->local_milliseconds,
              500);
    EXPECT_EQ(metadata_of({.date = "1970:01:01 00:00:00", .offset = "-03:30"}).captured->utc_offset_minutes,
              -210);
    EXPECT_EQ(metadata_of({.make = "NIKON CORPORATION", .model = "Z 9"}).camera, "NIKON CORPORATION Z 9");
    EXPECT_EQ(metadata_of({.make = "Maker"}).camera, "Maker");
    EXPECT_EQ(metadata_of({.model = "Model  "}).camera, "Model");
    EXPECT_EQ(metadata_of({.serial = "42"}).camera, "");
    EXPECT_FALSE(metadata_of({.orientation = 1}).captured);
    EXPECT_FALSE(decode_photo(encode_jpeg(corner_picture({8, 8}).view())).metadata.captured);
}

TEST(Metadata, TreatsNonsenseAsAbsent) {
    for (const char* date :
         {"0000:00:00 00:00:00", "2023:02:29 10:00:00", "2023:13:01 10:00:00", "2023:01:01 24:00:00",
          "2023:01:01 10:60:00", "2023:01:01", "    :  :     :  :  ", "9", "1826:01:01 10:00:00",
          "2023:01:01 10-00-00", "20230101100000 even longer"}) {
        EXPECT_FALSE(metadata_of({.date = date}).captured) << date;
    }
    for (const char* offset : {"02:00", "+2:00", "+99:00", "+01:75", "   :  ", "CEST"}) {
        const auto captured = metadata_of({.date = "2023:01:01 10:00:00", .offset = offset}).captured;
        ASSERT_TRUE(captured) << offset;
        EXPECT_FALSE(captured->utc_offset_minutes) << offset;
    }
    EXPECT_EQ(metadata_of({.date = "1970:01:01 00:00:00", .subseconds = "abc"}).captured->local_milliseconds,
              0);
    EXPECT_EQ(metadata_of({.make = "Ma\xFF\x01ker\n", .model = std::string(500, 'x')}).camera,
              "Maker " + std::string(64, 'x'));
}

TEST(Metadata, ABrokenExifBlockDoesNotCostThePhoto) {
    const Image picture = corner_picture({16, 8});
    const Bytes jpeg = encode_jpeg(picture.view());
    const Bytes whole = exif_block({.orientation = 6, .make = "Some maker", .date = "2026:05:09 07:31:02"});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const Bytes block(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(code_of_decoding(with_exif(jpeg, block)), std::nullopt) << length;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        Bytes block = whole;
        block[at] = std::byte{0xFF};
        EXPECT_EQ(code_of_decoding(with_exif(jpeg, block)), std::nullopt) << at;
    }
}

// --- Many threads

TEST(DecodePhoto, GivesTheSameOnManyThreads) {
    const auto files = one_of_each();
    std::map<std::string, Image> expected;
    for (const auto& [name, file] : files) expected[name] = decode_image(file);
    std::array<int, 4> wrong{};
    {
        std::vector<std::jthread> threads;
        for (int& mistakes : wrong) {
            threads.emplace_back([&] {
                for (int round = 0; round < 10; ++round) {
                    for (const auto& [name, file] : files) {
                        if (difference(decode_image(file), expected.at(name)) != 0) ++mistakes;
                        if (code_of_decoding(std::span(file).first(file.size() / 2)) == std::nullopt)
                            ++mistakes;
                    }
                }
            });
        }
    }
    EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

// --- Pixels

TEST(Pixels, EncodersRefuseNonsense) {
    const Image picture = corner_picture({8, 8});
    EXPECT_EQ(code_of([&] { encode_jpeg(picture.view(), 0); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { encode_jpeg(picture.view(), 101); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { encode_jpeg(ImageView{}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { encode_png(ImageView{}); }), ErrorCode::bad_input);
    Image wide({70'000, 1}, PixelFormat::gray8);
    EXPECT_EQ(code_of([&] { encode_jpeg(wide.view()); }), ErrorCode::bad_input);  // JPEG ends at 65,500
    EXPECT_EQ(code_of([] { Image({0, 5}, PixelFormat::rgb8); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { Image({5, -1}, PixelFormat::rgb8); }), ErrorCode::bad_input);
}

TEST(Pixels, ShrinkingAverages) {
    Image stripes({64, 64}, PixelFormat::gray8);
    for (std::size_t i = 0; i < stripes.pixels().size(); ++i) stripes.pixels()[i] = i % 2 ? 255 : 0;
    const Image small = resize_image(stripes.view(), {16, 16});
    for (const std::uint8_t pixel : small.pixels()) EXPECT_NEAR(pixel, 128, 1);
    const Image same = corner_picture({9, 7});
    EXPECT_EQ(difference(resize_image(same.view(), {9, 7}), same), 0);
    EXPECT_EQ(resize_image(same.view(), {30, 3}).size(), (Size{30, 3}));
    EXPECT_EQ(code_of([&] { resize_image(same.view(), {0, 3}); }), ErrorCode::bad_input);
}

TEST(Pixels, CropIsCutToTheImage) {
    const Image picture = corner_picture({20, 10});
    EXPECT_EQ(difference(crop_image(picture.view(), {-5, -5, 100, 100}), picture), 0);
    const Image corner = crop_image(picture.view(), {15, 5, 100, 100});
    EXPECT_EQ(corner.size(), (Size{5, 5}));
    EXPECT_EQ(colour_at(corner, 0, 0), colour_at(picture, 15, 5));
    // A crop of a view whose rows are not packed.
    const ImageView right{
        picture.view().pixels + 3 * 10, {10, 10}, picture.view().row_bytes, PixelFormat::rgb8};
    EXPECT_EQ(colour_at(crop_image(right, {5, 5, 1, 1}), 0, 0), colour_at(picture, 15, 5));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Rect box : {Rect{20, 0, 5, 5}, Rect{0, 0, 0, 5}, Rect{-9, -9, 5, 5}, Rect{0, 0, -4, 5},
                           Rect{nan, 0, nan, 5}, Rect{1e30F, 0, 1e30F, 5}}) {
        EXPECT_EQ(code_of([&] { crop_image(picture.view(), box); }), ErrorCode::bad_input);
    }
}

// --- Warps

TEST(Warp, TheIdentityChangesNothing) {
    const Image picture = corner_picture({31, 19});
    EXPECT_EQ(difference(warp_affine(picture.view(), {1, 0, 0, 0, 1, 0}, {31, 19}), picture), 0);
    EXPECT_EQ(
        difference(warp_perspective(picture.view(), {Point{0, 0}, {31, 0}, {31, 19}, {0, 19}}, {31, 19}),
                   picture),
        0);
}

TEST(Warp, AffineFollowsItsMatrix) {
    const Image picture = corner_picture({40, 20});
    // A quarter turn: output (x, y) is input (y, 19 - x).
    const Image turned = warp_affine(picture.view(), {0, 1, 0, -1, 0, 19}, {20, 40});
    EXPECT_EQ(difference(turned, as_stored(picture, 8)), 0);
    // Outside is the border, one channel or three.
    const Image outside = warp_affine(picture.view(), {1, 0, 100, 0, 1, 0}, {4, 4}, 77);
    for (const std::uint8_t channel : outside.pixels()) EXPECT_EQ(channel, 77);
    Image grey({2, 1}, PixelFormat::gray8);
    grey.pixels()[0] = 100;
    grey.pixels()[1] = 200;
    const Image between = warp_affine(grey.view(), {1, 0, 0.25F, 0, 1, 0}, {1, 1});
    EXPECT_EQ(between.pixels()[0], 125);
}

TEST(Warp, ShrinkingALotDoesNotAlias) {
    Image checks({512, 512}, PixelFormat::gray8);
    for (int y = 0; y < 512; ++y) {
        for (int x = 0; x < 512; ++x) {
            checks.pixels()[static_cast<std::size_t>(y * 512 + x)] = (x + y) % 2 ? 255 : 0;
        }
    }
    // Ten input pixels a step, turned by about 20 degrees so that no grid falls together.
    const Image small = warp_affine(checks.view(), {9.4F, -3.4F, 120, 3.4F, 9.4F, 60}, {24, 24});
    for (const std::uint8_t pixel : small.pixels()) EXPECT_NEAR(pixel, 128, 12);
}

TEST(Warp, ShrinkingALotMovesNothing) {
    Image ramp({800, 600}, PixelFormat::gray8);  // 0 at the left, 200 at the right
    for (std::size_t i = 0; i < ramp.pixels().size(); ++i) {
        ramp.pixels()[i] = static_cast<std::uint8_t>(std::lround(static_cast<double>(i % 800) / 4));
    }
    for (const float step : {1.0F, 3.0F, 8.0F, 15.5F}) {
        const Image piece = warp_affine(ramp.view(), {step, 0, 100, 0, step, 50}, {20, 20});
        const std::array<Point, 4> corners{
            Point{100, 50}, {100 + 20 * step, 50}, {100 + 20 * step, 50 + 20 * step}, {100, 50 + 20 * step}};
        const Image unfolded = warp_perspective(ramp.view(), corners, {20, 20});
        for (int x = 0; x < 20; ++x) {
            const float expected = (100 + step * static_cast<float>(x)) / 4;
            EXPECT_NEAR(piece.pixels()[static_cast<std::size_t>(200 + x)], expected, 1) << step;
            EXPECT_NEAR(unfolded.pixels()[static_cast<std::size_t>(200 + x)], expected, 1) << step;
        }
    }
}

TEST(Warp, PerspectiveUnfoldsAQuadrilateral) {
    // The four quarters of the picture meet where the diagonals of any projective image of it cross: fold the
    // picture into a trapezium with an independent map, unfold it again, compare.
    const Image picture = corner_picture({200, 100});
    const std::array<Point, 4> corners{Point{30, 20}, {170, 40}, {160, 120}, {20, 110}};
    Image scene({200, 150}, PixelFormat::rgb8);
    double equations[8][9] = {};
    const double to[4][2] = {{0, 0}, {200, 0}, {200, 100}, {0, 100}};
    for (int i = 0; i < 4; ++i) {
        const double x = corners[static_cast<std::size_t>(i)].x;
        const double y = corners[static_cast<std::size_t>(i)].y;
        const double rows[2][9] = {{x, y, 1, 0, 0, 0, -to[i][0] * x, -to[i][0] * y, to[i][0]},
                                   {0, 0, 0, x, y, 1, -to[i][1] * x, -to[i][1] * y, to[i][1]}};
        std::copy_n(&rows[0][0], 18, equations[2 * i]);
    }
    for (int pivot = 0; pivot < 8; ++pivot) {
        int best = pivot;
        for (int row = pivot; row < 8; ++row) {
            if (std::abs(equations[row][pivot]) > std::abs(equations[best][pivot])) best = row;
        }
        std::swap_ranges(equations[pivot], equations[pivot] + 9, equations[best]);
        for (int row = 0; row < 8; ++row) {
            if (row == pivot) continue;
            const double factor = equations[row][pivot] / equations[pivot][pivot];
            for (int column = pivot; column < 9; ++column)
                equations[row][column] -= factor * equations[pivot][column];
        }
    }
    double h[8];
    for (int i = 0; i < 8; ++i) h[i] = equations[i][8] / equations[i][i];
    for (int y = 0; y < 150; ++y) {
        for (int x = 0; x < 200; ++x) {
            const double w = h[6] * x + h[7] * y + 1;
            const int from_x =
                std::clamp(static_cast<int>(std::lround((h[0] * x + h[1] * y + h[2]) / w)), 0, 199);
            const int from_y =
                std::clamp(static_cast<int>(std::lround((h[3] * x + h[4] * y + h[5]) / w)), 0, 99);
            std::copy_n(picture.pixels().data() + (from_y * 200 + from_x) * 3, 3,
                        scene.pixels().data() + (y * 200 + x) * 3);
        }
    }
    EXPECT_LT(difference(warp_perspective(scene.view(), corners, {200, 100}), picture), 2);
    // Where a corner lies outside, the edge is repeated.
    const Image beyond =
        warp_perspective(picture.view(), {Point{-50, -50}, {-10, -50}, {-10, -10}, {-50, -10}}, {4, 4});
    EXPECT_EQ(colour_at(beyond, 3, 3), colour_at(picture, 0, 0));
}

TEST(Warp, RefusesNonsenseAndSurvivesTheAbsurd) {
    const Image picture = corner_picture({16, 16});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(code_of([&] {
                  warp_affine(picture.view(), {nan, 0, 0, 0, 1, 0}, {4, 4});
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] {
                  warp_affine(picture.view(), {1, 0, 0, 0, 1, 0}, {0, 4});
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { warp_affine(ImageView{}, {1, 0, 0, 0, 1, 0}, {4, 4}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] {
                  warp_perspective(picture.view(), {Point{0, 0}, {4, 4}, {8, 8}, {2, 2}}, {4, 4});
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(warp_affine(picture.view(), {1e30F, 0, -1e30F, 0, 1e30F, 0}, {4, 4}).size(), (Size{4, 4}));
    EXPECT_EQ(warp_perspective(picture.view(), {Point{0, 0}, {9, 9}, {9, 0}, {0, 9}}, {4, 4}).size(),
              (Size{4, 4}));
    EXPECT_EQ(warp_perspective(picture.view(), {Point{0, 0}, {1e30F, 0}, {1e30F, 1e-30F}, {0, 1e30F}}, {4, 4})
                  .size(),
              (Size{4, 4}));
}

TEST(Warp, PaddingKeepsTheShape) {
    const Image picture = corner_picture({40, 20});
    const Padded padded = resize_padded(picture.view(), {20, 20}, 9);
    EXPECT_FLOAT_EQ(padded.scale, 0.5F);
    EXPECT_EQ(padded.image.size(), (Size{20, 20}));
    EXPECT_EQ(colour_at(padded.image, 19, 9), colour_at(picture, 39, 19));
    EXPECT_EQ(colour_at(padded.image, 0, 10), (std::array{9, 9, 9}));
}

}  // namespace
}  // namespace eventlens

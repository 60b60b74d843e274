#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace eventlens {

struct Size {
    int width = 0;
    int height = 0;
    bool operator==(const Size&) const = default;
};

struct Point {
    float x = 0;
    float y = 0;
    bool operator==(const Point&) const = default;
};

// Pixels of the upright image; x and y are the top left corner and may lie outside of it.
struct Rect {
    float x = 0;
    float y = 0;
    float width = 0;
    float height = 0;
    bool operator==(const Rect&) const = default;
};

enum class PixelFormat { gray8, rgb8 };

constexpr int channels_of(PixelFormat format) {
    return format == PixelFormat::gray8 ? 1 : 3;
}

// Pixels owned by someone else. Cheap to copy; must not outlive the owner.
struct ImageView {
    const std::uint8_t* pixels = nullptr;
    Size size;
    std::ptrdiff_t row_bytes = 0;
    PixelFormat format = PixelFormat::rgb8;
};

// Owned pixels, rows packed, EXIF rotation already applied.
class Image {
  public:
    Image() = default;
    Image(Size size, PixelFormat format);  // zeros; throws Error(bad_input) for a size that is not positive

    Size size() const noexcept { return size_; }
    PixelFormat format() const noexcept { return format_; }
    std::span<std::uint8_t> pixels() noexcept { return pixels_; }
    std::span<const std::uint8_t> pixels() const noexcept { return pixels_; }
    ImageView view() const noexcept;

  private:
    Size size_;
    PixelFormat format_ = PixelFormat::rgb8;
    std::vector<std::uint8_t> pixels_;
};

struct DecodeLimits {
    std::int64_t max_pixels = 150'000'000;  // width x height; larger images are refused before allocating
};

struct DecodeOptions {
    DecodeLimits limits;
    // JPEG may be decoded at 1/2, 1/4 or 1/8 as long as the long side stays at least this many pixels.
    // 0: always whole.
    int enough_long_side = 0;
};

// When the camera says the photo was taken: wall-clock time, and its offset from UTC if the camera knew it.
struct CaptureTime {
    // Since 1970-01-01T00:00:00 on the camera's clock, sub-seconds included.
    std::int64_t local_milliseconds = 0;
    std::optional<int> utc_offset_minutes;  // absent: the event's time zone applies
    bool operator==(const CaptureTime&) const = default;
};

// What the file says of itself beside its pixels. Nonsense dates and orientations are treated as absent.
struct PhotoMetadata {
    std::optional<CaptureTime> captured;
    std::string camera;  // printable ASCII: "make model", or the model alone when it begins with the make;
                         // plus " #serial" of the body where given; empty when unknown
    // EXIF 1..8 as stored, already applied to the pixels; always 1 for HEIC, whose container has turned them.
    int orientation = 1;
};

struct DecodedPhoto {
    Image image;     // upright RGB, perhaps reduced
    Size full_size;  // upright size of the whole photo; boxes are stored in its pixels
    PhotoMetadata metadata;
};

// Decodes JPEG, PNG, WebP, TIFF or HEIC into upright RGB. CMYK, 16-bit, grey, palette and alpha (over white)
// become 8-bit RGB; of an animation the first frame is taken. The format is told by the first bytes, never by
// a name. A file cut short is an error, not half a photo; broken EXIF data is no error. Colour profiles are
// ignored. Throws Error(bad_input) for broken or oversized input and Error(unsupported) for other formats,
// GIF, BMP and AVIF among them, and Error(overloaded) when memory runs out. Starts no threads (but libheif's
// decoder may hold one while it works). Safe to call from many threads.
DecodedPhoto decode_photo(std::span<const std::byte> encoded, const DecodeOptions& options = {});

// The pixels alone, whole.
Image decode_image(std::span<const std::byte> encoded, const DecodeLimits& limits = {});

// Baseline JPEG, quality 1..100, from RGB or grey. Throws Error(bad_input) for another quality, an empty
// image, or a side above 65,500 pixels.
std::vector<std::byte> encode_jpeg(ImageView image, int quality = 90);

// Lossless PNG, from RGB or grey. Throws Error(bad_input) for an empty image.
std::vector<std::byte> encode_png(ImageView image);

// Along each axis averages what an output pixel covers when it shrinks, interpolates when it grows. Starts no
// threads. Throws Error(bad_input) for an empty image or a size that is not positive.
Image resize_image(ImageView image, Size size);

// The part of `image` inside `box`, rounded to whole pixels and cut to the image; throws Error(bad_input)
// when nothing is left.
Image crop_image(ImageView image, Rect box);

}  // namespace eventlens

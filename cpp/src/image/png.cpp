#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "image/c_escape.h"
#include "image/codec.h"

namespace eventlens {

namespace {

struct Source {
    std::span<const std::byte> left;
};

void on_error(png_structp codec, png_const_charp message) {
    static_cast<CEscape*>(png_get_error_ptr(codec))->leave(ErrorCode::bad_input, message);
}

void on_warning(png_structp, png_const_charp) {}  // ancillary chunks only: the pixels are whole

void read_bytes(png_structp codec, png_bytep to, std::size_t count) {
    auto& left = static_cast<Source*>(png_get_io_ptr(codec))->left;
    if (count > left.size()) png_error(codec, "PNG ends too early");
    std::memcpy(to, left.data(), count);
    left = left.subspan(count);
}

struct Reader {
    Reader()
        : codec(png_create_read_struct(PNG_LIBPNG_VER_STRING, &escape, on_error, on_warning)),
          info(codec ? png_create_info_struct(codec) : nullptr) {
        if (!info) throw Error(ErrorCode::overloaded, "no memory for a PNG decoder");
    }
    ~Reader() { png_destroy_read_struct(&codec, &info, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    CEscape escape;
    png_structp codec;
    png_infop info;
};

struct Writer {
    Writer()
        : codec(png_create_write_struct(PNG_LIBPNG_VER_STRING, &escape, on_error, on_warning)),
          info(codec ? png_create_info_struct(codec) : nullptr) {
        if (!info) throw Error(ErrorCode::overloaded, "no memory for a PNG encoder");
    }
    ~Writer() { png_destroy_write_struct(&codec, &info); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    CEscape escape;
    png_structp codec;
    png_infop info;
};

// Runs inside of libpng: an exception must not leave it.
void append_bytes(png_structp codec, png_bytep from, std::size_t count) {
    auto& encoded = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(codec));
    bool fits = true;
    try {
        const auto* begin = reinterpret_cast<const std::byte*>(from);
        encoded.insert(encoded.end(), begin, begin + count);
    } catch (const std::bad_alloc&) {
        fits = false;
    }
    if (!fits) png_error(codec, "no memory for the PNG");
}

enum class Alpha { as_stored, always };

// A PNG while it is read: every kind becomes 8-bit RGB or RGBA; a transparent colour becomes alpha.
class PngFile {
  public:
    PngFile(std::span<const std::byte> encoded, const DecodeLimits& limits, Alpha alpha) : source_{encoded} {
        reader_.escape.guard([&] {
            png_set_read_fn(reader_.codec, &source_, read_bytes);
            png_read_info(reader_.codec, reader_.info);
        });
        size = checked_size(png_get_image_width(reader_.codec, reader_.info),
                            png_get_image_height(reader_.codec, reader_.info), limits);
        reader_.escape.guard([&] {
            png_set_expand(reader_.codec);
            png_set_scale_16(reader_.codec);
            png_set_gray_to_rgb(reader_.codec);
            if (alpha == Alpha::always) png_set_add_alpha(reader_.codec, 255, PNG_FILLER_AFTER);
            png_set_interlace_handling(reader_.codec);
            png_read_update_info(reader_.codec, reader_.info);
        });
        has_alpha = png_get_channels(reader_.codec, reader_.info) == 4;
    }
    PngFile(const PngFile&) = delete;
    PngFile& operator=(const PngFile&) = delete;

    std::size_t pixels() const {
        return static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
    }

    // Three bytes each, or four.
    void read(std::uint8_t* to) {
        std::vector<png_bytep> rows(static_cast<std::size_t>(size.height));
        const std::size_t row_bytes = png_get_rowbytes(reader_.codec, reader_.info);
        for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = to + y * row_bytes;
        reader_.escape.guard([&] {
            png_read_image(reader_.codec, rows.data());
            png_read_end(reader_.codec, reader_.info);  // also reads an eXIf chunk behind the pixels
        });
    }

    // After read().
    ExifFields exif() {
        png_bytep block = nullptr;
        png_uint_32 bytes = 0;
        if (png_get_eXIf_1(reader_.codec, reader_.info, &bytes, &block) == 0) return {};
        return read_exif(std::as_bytes(std::span(block, bytes)));
    }

    std::vector<std::byte> colour_profile() {
        png_charp name = nullptr;
        int compression = 0;
        png_bytep profile = nullptr;
        png_uint_32 bytes = 0;
        if (png_get_iCCP(reader_.codec, reader_.info, &name, &compression, &profile, &bytes) == 0) return {};
        const auto content = std::as_bytes(std::span(profile, bytes));
        return {content.begin(), content.end()};
    }

    Size size;
    bool has_alpha = false;

  private:
    Reader reader_;
    Source source_;
};

}  // namespace

Decoded decode_png(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    PngFile file(encoded, limits, Alpha::as_stored);
    Decoded decoded;
    decoded.full_size = file.size;
    decoded.image = Image(file.size, PixelFormat::rgb8);
    std::uint8_t* rgb = decoded.image.pixels().data();
    if (file.has_alpha) {
        std::vector<std::uint8_t> rgba(file.pixels() * 4);
        file.read(rgba.data());
        blend_over_white(rgba.data(), file.pixels(), rgb);
    } else {
        file.read(rgb);
    }
    decoded.exif = file.exif();
    decoded.colour_profile = file.colour_profile();
    return decoded;
}

Artwork decode_png_artwork(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    PngFile file(encoded, limits, Alpha::always);
    Artwork artwork{file.size, std::vector<std::uint8_t>(file.pixels() * 4)};
    file.read(artwork.rgba.data());
    return artwork;
}

std::vector<std::byte> encode_png(ImageView image) {
    if (!image.pixels || image.size.width <= 0 || image.size.height <= 0) {
        throw Error(ErrorCode::bad_input, "cannot encode an empty image");
    }
    std::vector<std::byte> encoded;
    Writer writer;
    writer.escape.guard([&] {
        png_set_write_fn(writer.codec, &encoded, append_bytes, nullptr);
        png_set_IHDR(writer.codec, writer.info, static_cast<png_uint_32>(image.size.width),
                     static_cast<png_uint_32>(image.size.height), 8,
                     image.format == PixelFormat::gray8 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(writer.codec, writer.info);
        for (int y = 0; y < image.size.height; ++y) {
            png_write_row(writer.codec, image.pixels + y * image.row_bytes);
        }
        png_write_end(writer.codec, nullptr);
    });
    return encoded;
}

}  // namespace eventlens

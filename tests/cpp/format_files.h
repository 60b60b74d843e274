#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include <jpeglib.h>
#include <libheif/heif.h>
#include <png.h>
#include <tiffio.h>
#include <unistd.h>
#include <webp/encode.h>

#include "photo_files.h"

// Kinds of files that cameras, phones and editors write and our own encoders do not, made with the formats'
// libraries. Their default error handling (print and abort) is right here: a test that cannot make its input
// has failed.
namespace eventlens::testing {

// --- JPEG

// `samples` holds `channels` bytes for each pixel; `adjust` changes what the library would do by default.
template <typename Adjust>
Bytes jpeg_of(Size size, J_COLOR_SPACE colours, int channels, std::span<const std::uint8_t> samples,
              Adjust adjust) {
    jpeg_compress_struct codec{};
    jpeg_error_mgr errors{};
    codec.err = jpeg_std_error(&errors);
    jpeg_create_compress(&codec);
    unsigned char* bytes = nullptr;
    unsigned long count = 0;
    jpeg_mem_dest(&codec, &bytes, &count);
    codec.image_width = static_cast<JDIMENSION>(size.width);
    codec.image_height = static_cast<JDIMENSION>(size.height);
    codec.input_components = channels;
    codec.in_color_space = colours;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, 95, TRUE);
    adjust(codec);
    jpeg_start_compress(&codec, TRUE);
    const std::size_t row_bytes = std::size_t{codec.image_width} * static_cast<std::size_t>(channels);
    while (codec.next_scanline < codec.image_height) {
        auto* row = const_cast<JSAMPROW>(samples.data() + codec.next_scanline * row_bytes);
        jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    Bytes file(begin, begin + count);
    std::free(bytes);
    return file;
}

// `cmyk` holds four bytes for each pixel, as they are to stand in the file.
inline Bytes cmyk_jpeg(Size size, const std::vector<std::uint8_t>& cmyk, bool adobe_marker, bool ycck) {
    return jpeg_of(size, JCS_CMYK, 4, cmyk, [&](jpeg_compress_struct& codec) {
        jpeg_set_colorspace(&codec, ycck ? JCS_YCCK : JCS_CMYK);
        codec.write_Adobe_marker = adobe_marker ? TRUE : FALSE;
    });
}

// In several scans: progressive, or plain with one scan for each channel.
inline Bytes jpeg_in_scans(const Image& image, bool progressive) {
    static constexpr jpeg_scan_info channels[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    return jpeg_of(image.size(), JCS_RGB, 3, image.pixels(), [&](jpeg_compress_struct& codec) {
        if (progressive) {
            jpeg_simple_progression(&codec);
        } else {
            codec.scan_info = channels;
            codec.num_scans = 3;
        }
    });
}

// --- PNG

struct PngKind {
    int colour_type = PNG_COLOR_TYPE_RGB;
    int bit_depth = 8;
    bool interlaced = false;
    std::vector<png_color> palette{};
    std::vector<png_byte> palette_alpha{};
    Bytes exif{};
    Bytes profile{};
};

// `rows` as they stand in the file: packed, big endian.
inline Bytes png_file(Size size, std::vector<std::uint8_t> rows, PngKind kind) {
    png_structp codec = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(codec);
    Bytes file;
    png_set_write_fn(
        codec, &file,
        [](png_structp of, png_bytep from, std::size_t count) {
            append(*static_cast<Bytes*>(png_get_io_ptr(of)), std::as_bytes(std::span(from, count)));
        },
        nullptr);
    png_set_IHDR(codec, info, static_cast<png_uint_32>(size.width), static_cast<png_uint_32>(size.height),
                 kind.bit_depth, kind.colour_type, kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!kind.palette.empty())
        png_set_PLTE(codec, info, kind.palette.data(), static_cast<int>(kind.palette.size()));
    if (!kind.palette_alpha.empty()) {
        png_set_tRNS(codec, info, kind.palette_alpha.data(), static_cast<int>(kind.palette_alpha.size()),
                     nullptr);
    }
    if (!kind.exif.empty()) {
        png_set_eXIf_1(codec, info, static_cast<png_uint_32>(kind.exif.size()),
                       reinterpret_cast<png_bytep>(kind.exif.data()));
    }
    if (!kind.profile.empty()) {
        png_set_iCCP(codec, info, "profile", PNG_COMPRESSION_TYPE_BASE,
                     reinterpret_cast<png_const_bytep>(kind.profile.data()),
                     static_cast<png_uint_32>(kind.profile.size()));
    }
    png_write_info(codec, info);
    const std::size_t row_bytes = png_get_rowbytes(codec, info);
    std::vector<png_bytep> pointers;
    for (int y = 0; y < size.height; ++y)
        pointers.push_back(rows.data() + static_cast<std::size_t>(y) * row_bytes);
    png_write_image(codec, pointers.data());
    png_write_end(codec, info);
    png_destroy_write_struct(&codec, &info);
    return file;
}

// --- WebP

inline Bytes webp_chunk(std::string_view name, std::span<const std::byte> content) {
    Bytes chunk = bytes_of(name);
    append_number(chunk, content.size(), 4, false);
    append(chunk, content);
    if (content.size() % 2 != 0) chunk.push_back(std::byte{0});
    return chunk;
}

inline Bytes webp_riff(const Bytes& chunks) {
    Bytes file = bytes_of("RIFF");
    append_number(file, chunks.size() + 4, 4, false);
    append(file, "WEBP");
    append(file, chunks);
    return file;
}

inline Bytes webp_file(const Image& image) {
    std::uint8_t* bytes = nullptr;
    const std::size_t count = WebPEncodeLosslessRGB(image.pixels().data(), image.size().width,
                                                    image.size().height, image.size().width * 3, &bytes);
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    Bytes file(begin, begin + count);
    WebPFree(bytes);
    return file;
}

inline Bytes webp_rgba_file(Size size, const std::vector<std::uint8_t>& rgba, bool lossless) {
    std::uint8_t* bytes = nullptr;
    const std::size_t count =
        lossless ? WebPEncodeLosslessRGBA(rgba.data(), size.width, size.height, size.width * 4, &bytes)
                 : WebPEncodeRGBA(rgba.data(), size.width, size.height, size.width * 4, 95, &bytes);
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    Bytes file(begin, begin + count);
    WebPFree(bytes);
    return file;
}

// flags, reserved, width - 1, height - 1
inline Bytes webp_header(Size canvas, unsigned flags) {
    Bytes content;
    append_number(content, flags, 4, false);
    append_number(content, static_cast<std::uint64_t>(canvas.width) - 1, 3, false);
    append_number(content, static_cast<std::uint64_t>(canvas.height) - 1, 3, false);
    return webp_chunk("VP8X", content);
}

inline Bytes webp_with_profile(const Image& image, const Bytes& profile) {
    const Bytes simple = webp_file(image);
    Bytes chunks = webp_header(image.size(), 0x20);
    append(chunks, webp_chunk("ICCP", profile));
    append(chunks, std::span(simple).subspan(12));
    return webp_riff(chunks);
}

// The picture's own chunk is what stands behind the 12 bytes of the RIFF header.
inline Bytes webp_with_exif(const Image& image, const Bytes& block) {
    const Bytes simple = webp_file(image);
    Bytes chunks = webp_header(image.size(), 0x08);
    append(chunks, std::span(simple).subspan(12));
    append(chunks, webp_chunk("EXIF", block));
    return webp_riff(chunks);
}

struct WebpFrame {
    Image image;
    int x = 0;  // even
    int y = 0;  // even
};

inline Bytes animated_webp(Size canvas, const std::vector<WebpFrame>& frames) {
    Bytes chunks = webp_header(canvas, 0x02);
    append(chunks, webp_chunk("ANIM", Bytes(6)));
    for (const WebpFrame& frame : frames) {
        Bytes content;
        append_number(content, static_cast<std::uint64_t>(frame.x / 2), 3, false);
        append_number(content, static_cast<std::uint64_t>(frame.y / 2), 3, false);
        append_number(content, static_cast<std::uint64_t>(frame.image.size().width) - 1, 3, false);
        append_number(content, static_cast<std::uint64_t>(frame.image.size().height) - 1, 3, false);
        append_number(content, 100, 3, false);  // milliseconds
        content.push_back(std::byte{0});
        const Bytes still = webp_file(frame.image);
        append(content, std::span(still).subspan(12));
        append(chunks, webp_chunk("ANMF", content));
    }
    return webp_riff(chunks);
}

// --- TIFF

struct TiffKind {
    Size size;
    int samples = 3;
    int bits = 8;
    int photometric = PHOTOMETRIC_RGB;
    int compression = COMPRESSION_LZW;
    int orientation = 1;
    bool tiled = false;
    bool alpha = false;  // the last sample, not multiplied
    ExifText exif{};
    Bytes profile{};
};

// `rows` packed, 16-bit samples in the machine's order; written as one strip, or as tiles of 16 x 16.
inline Bytes tiff_file(const TiffKind& kind, std::vector<std::uint8_t> rows) {
    std::string name = (std::filesystem::temp_directory_path() / "eventlens-tiff-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    TIFF* tiff = TIFFFdOpen(descriptor, name.c_str(), "w");
    if (!tiff) throw std::runtime_error("cannot write a TIFF");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, kind.size.width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, kind.size.height);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind.bits);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind.photometric);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind.compression);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, kind.orientation);
    if (kind.alpha) {
        const std::uint16_t meaning = EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &meaning);
    }
    if (!kind.profile.empty()) {
        TIFFSetField(tiff, TIFFTAG_ICCPROFILE, static_cast<std::uint32_t>(kind.profile.size()),
                     kind.profile.data());
    }
    const ExifText& exif = kind.exif;
    if (!exif.make.empty()) TIFFSetField(tiff, TIFFTAG_MAKE, exif.make.c_str());
    if (!exif.model.empty()) TIFFSetField(tiff, TIFFTAG_MODEL, exif.model.c_str());
    if (kind.tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 16);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16);
        for (int y = 0; y < kind.size.height; y += 16) {
            for (int x = 0; x < kind.size.width; x += 16) {
                std::vector<std::uint8_t> tile(static_cast<std::size_t>(16 * 16 * kind.samples));
                for (int row = 0; row < std::min(16, kind.size.height - y); ++row) {
                    const int width = std::min(16, kind.size.width - x);
                    std::copy_n(rows.data() + ((y + row) * kind.size.width + x) * kind.samples,
                                width * kind.samples, tile.data() + row * 16 * kind.samples);
                }
                TIFFWriteTile(tiff, tile.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y),
                              0, 0);
            }
        }
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind.size.height);
        if (!rows.empty()) TIFFWriteEncodedStrip(tiff, 0, rows.data(), static_cast<tmsize_t>(rows.size()));
    }
    TIFFWriteDirectory(tiff);
    if (!exif.date.empty()) {
        TIFFCreateEXIFDirectory(tiff);
        TIFFSetField(tiff, EXIFTAG_DATETIMEORIGINAL, exif.date.c_str());
        if (!exif.subseconds.empty()) TIFFSetField(tiff, EXIFTAG_SUBSECTIMEORIGINAL, exif.subseconds.c_str());
        if (!exif.offset.empty()) TIFFSetField(tiff, EXIFTAG_OFFSETTIMEORIGINAL, exif.offset.c_str());
        if (!exif.serial.empty()) TIFFSetField(tiff, EXIFTAG_BODYSERIALNUMBER, exif.serial.c_str());
        toff_t directory = 0;
        TIFFWriteCustomDirectory(tiff, &directory);
        TIFFSetDirectory(tiff, 0);
        TIFFSetField(tiff, TIFFTAG_EXIFIFD, directory);
        TIFFRewriteDirectory(tiff);
    }
    TIFFClose(tiff);
    std::ifstream stream(name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    std::filesystem::remove(name);
    return bytes_of(text);
}

inline std::vector<std::uint8_t> samples_of(const Image& image) {
    return {image.pixels().begin(), image.pixels().end()};
}

// --- HEIC

inline bool can_write_heic() {
    return heif_have_encoder_for_format(heif_compression_HEVC) != 0;
}

// `orientation`: EXIF's number for the rotation and mirroring that the container is to declare.
inline Bytes heic_file(const Image& image, int orientation = 1, const Bytes& exif = {},
                       const Bytes& profile = {}) {
    const auto check = [](const heif_error& error) {
        if (error.code != heif_error_Ok) throw std::runtime_error(error.message);
    };
    const std::unique_ptr<heif_context, void (*)(heif_context*)> context(heif_context_alloc(),
                                                                         heif_context_free);
    heif_encoder* encoder = nullptr;
    check(heif_context_get_encoder_for_format(context.get(), heif_compression_HEVC, &encoder));
    const std::unique_ptr<heif_encoder, void (*)(heif_encoder*)> encoder_owner(encoder, heif_encoder_release);
    heif_encoder_set_lossy_quality(encoder, 95);
    heif_image* picture = nullptr;
    const Size size = image.size();
    check(heif_image_create(size.width, size.height, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                            &picture));
    const std::unique_ptr<heif_image, void (*)(const heif_image*)> picture_owner(picture, heif_image_release);
    check(heif_image_add_plane(picture, heif_channel_interleaved, size.width, size.height, 8));
    int stride = 0;
    std::uint8_t* to = heif_image_get_plane(picture, heif_channel_interleaved, &stride);
    for (int y = 0; y < size.height; ++y) {
        std::copy_n(image.pixels().data() + y * size.width * 3, size.width * 3, to + y * stride);
    }
    if (!profile.empty())
        check(heif_image_set_raw_color_profile(picture, "prof", profile.data(), profile.size()));
    const std::unique_ptr<heif_encoding_options, void (*)(heif_encoding_options*)> options(
        heif_encoding_options_alloc(), heif_encoding_options_free);
    options->image_orientation = static_cast<heif_orientation>(orientation);
    heif_image_handle* handle = nullptr;
    check(heif_context_encode_image(context.get(), picture, encoder, options.get(), &handle));
    const std::unique_ptr<heif_image_handle, void (*)(const heif_image_handle*)> handle_owner(
        handle, heif_image_handle_release);
    if (!exif.empty()) {
        check(heif_context_add_exif_metadata(context.get(), handle, exif.data(),
                                             static_cast<int>(exif.size())));
    }
    Bytes file;
    heif_writer writer{};
    writer.writer_api_version = 1;
    writer.write = [](heif_context*, const void* data, std::size_t count, void* user_data) {
        append(*static_cast<Bytes*>(user_data), std::span(static_cast<const std::byte*>(data), count));
        return heif_error{heif_error_Ok, heif_suberror_Unspecified, ""};
    };
    check(heif_context_write(context.get(), &writer, &file));
    return file;
}

}  // namespace eventlens::testing

#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "eventlens/catalog.h"
#include "eventlens/error.h"

namespace eventlens::testing {

// A folder of its own for each test, removed afterwards.
class CatalogTest : public ::testing::Test {
  protected:
    CatalogTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "eventlens-catalog-XXXXXX").string();
        if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
        folder = pattern;
    }

    ~CatalogTest() override {
        std::error_code ignored;  // a file that is left does not make the test wrong
        std::filesystem::remove_all(folder, ignored);
    }

    std::filesystem::path workspace() const { return folder / "season"; }
    std::filesystem::path file() const { return workspace() / "catalog.sqlite"; }

    std::filesystem::path folder;
};

// The code of the Error that `action` throws.
template <typename Action>
ErrorCode code_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_STRNE(error.what(), "");
        return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::internal;
}

// Runs `work` in a process of its own; what it returns is the exit code, 99 for an exception.
inline pid_t in_child(const std::function<int()>& work) {
    const pid_t child = fork();
    if (child != 0) return child;
    int code = 99;
    try {
        code = work();
    } catch (const std::exception& error) {
        static_cast<void>(!write(STDERR_FILENO, error.what(), std::strlen(error.what())));
    }
    _exit(code);
}

inline int exit_code_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline const Recognition made_by{.embedder = "mobilefacenet", .reader = "paddle"};

// Unit length and exact in 16 bits, so that it comes back as it went.
inline Embedding embedding_like(std::size_t seed, std::size_t length = 192) {
    Embedding embedding(length);
    embedding[seed % length] = 1;
    return embedding;
}

inline Face face_like(std::size_t seed) {
    Face face;
    face.box = {static_cast<float>(seed % 97) * 10, 20, 30.5F, 40};
    for (std::size_t i = 0; i < face.landmarks.size(); ++i)
        face.landmarks[i] = {static_cast<float>(i), -1.25F};
    face.confidence = 0.75F;
    face.quality = 0.5F;
    face.embedding = embedding_like(seed);
    return face;
}

inline BibRead read_like(const std::string& text) {
    BibRead read;
    read.text = text;
    read.confidences.assign(text.size(), 0.875F);
    read.corners = {{{1, 2}, {3, 2}, {3, 4}, {1, 4.5F}}};
    read.evidence = {0.25F, -3};
    return read;
}

inline PhotoRecord photo_like(const std::string& key, std::size_t faces = 2) {
    PhotoRecord photo;
    photo.key = key;
    photo.fingerprint = "etag of " + key;
    photo.bytes = 4'000'000'000;
    photo.size = {6000, 4000};
    photo.captured = CaptureTime{1'778'311'800'250, std::nullopt};  // 2026-05-09T07:30:00.250
    photo.camera = "Canon EOS R5 #012";
    for (std::size_t i = 0; i < faces; ++i) photo.faces.push_back(face_like(key.size() + i));
    photo.bib_reads = {read_like("A207")};
    return photo;
}

inline std::vector<PhotoRecord> photos_like(const std::string& prefix, int count) {
    std::vector<PhotoRecord> photos;
    for (int i = 0; i < count; ++i) photos.push_back(photo_like(prefix + std::to_string(i)));
    return photos;
}

inline VideoRecord video_like(const std::string& key) {
    VideoRecord video;
    video.key = key;
    video.fingerprint = "etag of " + key;
    video.bytes = 40'000'000'000;
    video.info.container = "mov";
    video.info.codec = "h264";
    video.info.size = {1920, 1080};
    video.info.rotation = 90;
    video.info.frame_rate = 30000.0 / 1001;
    video.info.duration = 3600.125;
    video.info.audio_tracks = 2;
    video.info.recorded_utc = 1'778'311'800'250;
    return video;
}

// In view from `start` for two seconds, with a face.
inline Appearance appearance_like(double start, std::size_t seed = 0) {
    Appearance seen;
    seen.span = {start, start + 2};
    seen.sightings = 7;
    seen.path = {{start, {1, 2, 30, 40}}, {start + 1.0 / 3, {5, 2, 30, 40.5F}}};
    seen.face = face_like(seed);
    seen.face_time = start + 0.1;
    seen.faces_embedded = 3;
    seen.bib_reads = {{start, read_like("A207")}, {start + 0.5, read_like("A20")}};
    return seen;
}

// Reads a video to its end in one go: `count` appearances, a second apart.
inline VideoId put_video(Catalog& catalog, SourceId source, const std::string& key, int count,
                         const Recognition& recognition = made_by) {
    VideoReading reading = catalog.begin_video(source, recognition, video_like(key));
    VideoFootage footage{.until = 3600.125, .finished = true};
    for (int i = 0; i < count; ++i)
        footage.appearances.push_back(appearance_like(i, static_cast<std::size_t>(i)));
    EXPECT_TRUE(catalog.put_footage(reading, footage));
    return reading.video;
}

inline void expect_same(const Face& a, const Face& b) {
    EXPECT_EQ(a.box, b.box);
    EXPECT_EQ(a.landmarks, b.landmarks);
    EXPECT_EQ(a.confidence, b.confidence);
    EXPECT_EQ(a.quality, b.quality);
    EXPECT_EQ(a.embedding, b.embedding);
}

inline void expect_same(const BibRead& a, const BibRead& b) {
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.confidences, b.confidences);
    EXPECT_EQ(a.corners, b.corners);
    EXPECT_EQ(a.evidence, b.evidence);
}

// What changes_since() tells.
struct Told {
    EventChanges changes;
    std::vector<PhotoContent> put;
    std::vector<PhotoId> removed;
};

inline Told told_since(const Catalog& catalog, EventId event, std::int64_t counter,
                       const std::string& embedder = made_by.embedder) {
    Told told;
    told.changes = catalog.changes_since(
        event, counter, embedder, [&](PhotoContent&& content) { told.put.push_back(std::move(content)); },
        [&](PhotoId photo) { told.removed.push_back(photo); });
    return told;
}

// What appearance_changes_since() tells.
struct AppearancesTold {
    EventChanges changes;
    std::vector<AppearanceContent> put;
    std::vector<AppearanceId> removed;
};

inline AppearancesTold appearances_told_since(const Catalog& catalog, EventId event, std::int64_t counter,
                                              const std::string& embedder = made_by.embedder) {
    AppearancesTold told;
    told.changes = catalog.appearance_changes_since(
        event, counter, embedder,
        [&](AppearanceContent&& content) { told.put.push_back(std::move(content)); },
        [&](AppearanceId appearance) { told.removed.push_back(appearance); });
    return told;
}

inline std::vector<KnownVideo> known_videos_in(const Catalog& catalog, SourceId source,
                                               const Recognition& wanted = made_by) {
    std::vector<KnownVideo> known;
    catalog.known_videos(source, wanted, [&](const KnownVideo& video) { known.push_back(video); });
    return known;
}

inline std::vector<KnownObject> known_in(const Catalog& catalog, SourceId source,
                                         const Recognition& wanted = made_by) {
    std::vector<KnownObject> known;
    catalog.known_objects(source, wanted, [&](const KnownObject& object) { known.push_back(object); });
    return known;
}

}  // namespace eventlens::testing

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bibs/evidence.h"
#include "catalog_fixture.h"
#include "eventlens/engine.h"
#include "test_models.h"
#include "video/video_files.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

const std::string request = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa";

// A workspace with two videos, of ten seconds each, in which somebody is seen, as far as the catalog knows.
class EngineClips : public CatalogTest {
  protected:
    EngineClips() {
        fs::create_directories(footage());
        make_video(footage() / "finish.mp4", "-c:v libx264 -g 30 -pix_fmt yuv420p", 300);
        fs::copy_file(footage() / "finish.mp4", footage() / "start.mp4");
        engine.emplace(Engine::open(workspace()));
        event = engine->create_event({.name = "Race", .clips = {.padding_start = 1, .padding_end = 1}});
        source = engine->catalog().add_source(event, open_source(footage().string())->uri());
        for (const char* key : {"finish.mp4", "start.mp4"}) videos.push_back(add_video(key));
    }

    fs::path footage() const { return folder / "footage"; }

    VideoId add_video(const std::string& key) {
        VideoRecord record = video_like(key);
        record.info.duration = 10;
        VideoReading reading = engine->catalog().begin_video(source, made_by, record);
        VideoFootage seen{.until = 10, .finished = true};
        seen.appearances = {appearance_like(2), appearance_like(7.5)};  // two seconds each
        seen.appearances[1].span.end = 8;
        for (Appearance& appearance : seen.appearances) {
            appearance.bib_reads.resize(1);
            appearance.bib_reads[0].read.evidence =
                Evidence{.detector_score = 0.9F, .near_face = true}.packed();
        }
        EXPECT_TRUE(engine->catalog().put_footage(reading, seen));
        return reading.video;
    }

    // Finds the person in both appearances of both videos.
    void search(const std::string& id, double probability = 0.9) {
        SavedSearch saved{.request_id = id};
        saved.appearances.emplace();
        for (const VideoId video : videos) {
            for (const AppearanceContent& content : engine->catalog().appearances(video))
                saved.appearances->push_back({.appearance = content.appearance, .probability = probability});
        }
        ASSERT_TRUE(engine->catalog().save_search(event, saved));
    }

    ClipJob finished(const std::string& id = request) const {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline) {
            const ClipJob job = engine->catalog().clip_job(event, id).value();
            if (job.state != ClipJobState::processing) return job;
            std::this_thread::sleep_for(5ms);
        }
        ADD_FAILURE() << "the job did not end";
        return {};
    }

    std::vector<fs::path> clip_files() const {
        std::vector<fs::path> files;
        for (const char* place : {"renditions", "cutting"}) {
            if (!fs::exists(workspace() / place)) continue;
            for (const auto& entry : fs::recursive_directory_iterator(workspace() / place)) {
                // What a killed process was writing has no name of its own yet: no store lists it.
                if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
                    files.push_back(entry.path());
            }
        }
        return files;
    }

    ClipWorkerOptions options() const {
        return {.look_every = 20ms,
                .on_problem = [](const std::string& problem) { ADD_FAILURE() << problem; }};
    }

    std::optional<Engine> engine;
    EventId event = 0;
    SourceId source = 0;
    std::vector<VideoId> videos;
};

TEST_F(EngineClips, AreOneOfEachVideoAndPlay) {
    search(request);
    EXPECT_EQ(engine->start_clips(event, request).state, ClipJobState::processing);
    const ClipWorkers workers(*engine, options());
    const ClipJob job = finished();
    EXPECT_EQ(job.state, ClipJobState::completed);
    EXPECT_TRUE(job.failures.empty());
    ASSERT_EQ(job.clips.size(), 2U);
    const JobClip& clip = job.clips[0];
    EXPECT_EQ(clip.video_key, "finish.mp4");
    EXPECT_EQ(clip.span, (TimeSpan{1, 5})) << "the longer of two, with padding";

    const auto bytes = engine->clip_bytes(clip);
    EXPECT_EQ(bytes->size(), clip.bytes);
    EXPECT_EQ(number_in(read_frame(bytes, 0).image), 30);
    EXPECT_EQ(number_in(read_frame(bytes, 3.95).image), 148);
    EXPECT_EQ(engine->clip_link(clip).substr(0, 7), "file://");
    EXPECT_EQ(clip_files().size(), 2U);
}

TEST_F(EngineClips, AreNotStartedWhereNobodyIsSureEnough) {
    search(request, 0.4);
    EXPECT_EQ(engine->start_clips(event, request).state, ClipJobState::no_matches);
}

TEST_F(EngineClips, OfSecondsTooFewAreNone) {
    search(request);
    EventSettings settings = engine->catalog().event(event).settings;
    settings.clips.min_segment = 5;
    engine->update_event(event, settings);
    engine->start_clips(event, request);
    const ClipWorkers workers(*engine, options());
    EXPECT_EQ(finished().state, ClipJobState::no_segments);
}

TEST_F(EngineClips, ThatFailLeaveTheOthers) {
    std::ofstream(footage() / "finish.mp4") << "no video";
    search(request);
    engine->start_clips(event, request);
    const ClipWorkers workers(*engine, options());
    ClipJob job = finished();
    EXPECT_EQ(job.state, ClipJobState::completed);
    ASSERT_EQ(job.clips.size(), 1U);
    EXPECT_EQ(job.clips[0].video_key, "start.mp4");
    ASSERT_EQ(job.failures.size(), 1U);
    EXPECT_EQ(job.failures[0].video_key, "finish.mp4");
    EXPECT_NE(job.failures[0].reason, "");
    EXPECT_FALSE(job.failures[0].video_is_gone);

    const std::string other = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9ab";
    fs::remove(footage() / "start.mp4");
    search(other);
    engine->start_clips(event, other);
    job = finished(other);
    EXPECT_EQ(job.state, ClipJobState::clip_failed);
    ASSERT_EQ(job.failures.size(), 2U);
    for (const ClipFailure& failure : job.failures)
        EXPECT_EQ(failure.video_is_gone, failure.video_key == "start.mp4") << failure.reason;
    EXPECT_EQ(clip_files().size(), 1U);
}

TEST_F(EngineClips, AreLeftInAMomentAndGoneOnWithWhenWorkersEnd) {
    fs::remove(footage() / "finish.mp4");
    make_video(footage() / "finish.mp4", "-vf scale=960:720 -c:v mpeg4 -q:v 2",
               300);  // encoded anew: takes a while
    search(request);
    engine->start_clips(event, request);
    {
        const ClipWorkers workers(*engine, options());
        while (engine->catalog().clip_job(event, request)->attempts == 0) std::this_thread::sleep_for(1ms);
    }
    const ClipJob left = engine->catalog().clip_job(event, request).value();
    EXPECT_EQ(left.state, ClipJobState::processing);
    EXPECT_EQ(left.attempts, 0);
    const ClipWorkers workers(*engine, options());
    EXPECT_EQ(finished().clips.size(), 2U);
}

TEST_F(EngineClips, AreMadeOnceByManyWorkersOfSeveralProcesses) {
    constexpr int jobs = 12;
    std::vector<std::string> ids;
    for (int i = 0; i < jobs; ++i) {
        ids.push_back("00000000-0000-4000-8000-0000000010" + std::to_string(10 + i));
        search(ids.back());
        engine->start_clips(event, ids.back());
    }
    const auto work = [&] {
        const pid_t child = in_child([&] {
            Engine other = Engine::open(workspace());
            const ClipWorkers workers(other, {.threads = 2, .lease = 300ms, .look_every = 20ms});
            std::this_thread::sleep_for(60s);
            return 0;
        });
        return child;
    };
    engine.reset();  // a catalog does not survive fork()
    pid_t child = work();
    std::this_thread::sleep_for(400ms);
    kill(child, SIGKILL);  // in the midst of it
    waitpid(child, nullptr, 0);
    child = work();
    engine.emplace(Engine::open(workspace()));
    for (const std::string& id : ids) {
        const ClipJob job = finished(id);
        EXPECT_EQ(job.state, ClipJobState::completed) << id;
        EXPECT_EQ(job.clips.size(), 2U);
        for (const JobClip& clip : job.clips) EXPECT_EQ(engine->clip_bytes(clip)->size(), clip.bytes);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    fs::remove_all(workspace() / "cutting");  // what the first left half done
    EXPECT_EQ(clip_files().size(), 2U * jobs);
}

TEST_F(EngineClips, GoWithAPurge) {
    search(request);
    engine->start_clips(event, request);
    const ClipWorkers workers(*engine, options());
    finished();
    ASSERT_EQ(clip_files().size(), 2U);
    EXPECT_EQ(engine->purge_event(event).purge.removed.at("clips"), 2);
    EXPECT_TRUE(clip_files().empty());
}

TEST_F(EngineClips, AreNotIndexedAsVideos) {
    search(request);
    engine->start_clips(event, request);
    const ClipWorkers workers(*engine, options());
    finished();
    // The source holds the workspace: its clips are ours, its footage is not.
    if (!testing::fetched_manifest()) GTEST_SKIP() << "needs models";
    EngineOptions with_models;
    with_models.manifests = {*testing::fetched_manifest()};
    Engine indexing = Engine::open(workspace(), with_models);
    const IndexReport report = indexing.index(event, folder.string(), {.dry_run = true});
    EXPECT_EQ(report.added, 2);
}

TEST_F(EngineClips, OfABibAreFrozenUnderTheirId) {
    if (!testing::fetched_manifest()) GTEST_SKIP() << "needs models";
    EngineOptions with_models;
    with_models.manifests = {*testing::fetched_manifest()};
    engine.emplace(Engine::open(workspace(), with_models));
    EventSettings settings = engine->catalog().event(event).settings;
    settings.bib_pattern = R"([A-Z]\d{3})";
    engine->update_event(event, settings);
    const SearchResult first = engine->search_bib_clips(event, "a207", request);
    EXPECT_FALSE(first.repeated);
    ASSERT_TRUE(first.appearances);
    EXPECT_EQ(first.appearances->size(), 4U);
    const SearchResult again = engine->search_bib_clips(event, "B1", request);
    EXPECT_TRUE(again.repeated);
    EXPECT_EQ(again.appearances->size(), 4U);
    EXPECT_EQ(engine->catalog().event(event).billable_searches, 1);
    EXPECT_EQ(engine->start_clips(event, request).kind, SearchKind::bib);
    const ClipWorkers workers(*engine, options());
    const ClipJob job = finished();
    ASSERT_EQ(job.clips.size(), 2U);
    EXPECT_NE(job.clips[0].file.key.find("/motion/bib/"), std::string::npos);

    const std::string selfie = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9ab";
    search(selfie);
    EXPECT_EQ(code_of([&] { engine->search_bib_clips(event, "A207", selfie); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { engine->search_bib_clips(event, "A207", "none"); }), ErrorCode::bad_input);
    EXPECT_TRUE(engine->search_bib_clips(event, "Z999").appearances->empty());
}

}  // namespace
}  // namespace eventlens

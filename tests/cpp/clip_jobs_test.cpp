#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "catalog_fixture.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;
using namespace std::chrono_literals;

const std::string request = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa";
constexpr auto long_lease = 60s;
constexpr auto no_lease = 0ms;  // ends as soon as it is given: its worker has disappeared

// A catalog with two videos and a search that found somebody in both.
class ClipJobs : public CatalogTest {
  protected:
    ClipJobs() : catalog(Catalog::open(workspace())) {
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "file:///videos");
        videos = {put_video(catalog, source, "finish.mp4", 3), put_video(catalog, source, "start.mp4", 3)};
        save(request);
    }

    void save(const std::string& id) {
        SavedSearch search{.request_id = id};
        search.appearances.emplace();
        for (const VideoId video : videos) {
            search.appearances->push_back(
                {.appearance = catalog.appearances(video).front().appearance, .probability = 0.9});
        }
        ASSERT_TRUE(catalog.save_search(event, search));
    }

    std::vector<Catalog::ClipPlan> plan() const { return {{videos[0], {1, 4}}, {videos[1], {2, 6}}}; }

    Claim started_and_planned() {
        catalog.start_clip_job(event, request, true);
        const Claim claim = catalog.claim_clip_job(long_lease).value();
        EXPECT_TRUE(catalog.plan_clip_job(claim, plan()));
        return claim;
    }

    void store_next(const Claim& claim) {
        JobClip clip = catalog.next_clip(claim).value();
        clip.bytes = 1000;
        EXPECT_TRUE(catalog.put_clip(claim, clip));
    }

    std::set<std::string> unwanted() const {
        std::set<std::string> keys;
        for (const StoreId store : catalog.stores_with_unwanted_files()) {
            for (const StoredFile& file : catalog.unwanted_files(store, 100)) keys.insert(file.key);
        }
        return keys;
    }

    ClipJob job() const { return catalog.clip_job(event, request).value(); }

    Catalog catalog;
    EventId event = 0;
    SourceId source = 0;
    std::vector<VideoId> videos;
};

TEST_F(ClipJobs, GoFromStartToClips) {
    EXPECT_FALSE(catalog.clip_job(event, request));
    EXPECT_EQ(catalog.start_clip_job(event, request, true).state, ClipJobState::processing);
    const auto claim = catalog.claim_clip_job(long_lease);
    ASSERT_TRUE(claim);
    EXPECT_EQ(catalog.clip_job(*claim).request_id, request);
    ASSERT_TRUE(catalog.plan_clip_job(*claim, plan()));
    for (int i = 0; i < 2; ++i) store_next(*claim);
    EXPECT_FALSE(catalog.next_clip(*claim));
    EXPECT_TRUE(job().clips.size() == 2 && job().state == ClipJobState::processing);
    EXPECT_TRUE(catalog.finish_clip_job(*claim));

    const ClipJob done = job();
    EXPECT_EQ(done.state, ClipJobState::completed);
    EXPECT_TRUE(done.finished);
    ASSERT_EQ(done.clips.size(), 2U);
    EXPECT_EQ(done.clips[0].video_key, "finish.mp4");
    EXPECT_EQ(done.clips[0].span, (TimeSpan{1, 4}));
    EXPECT_EQ(done.clips[0].file.store_uri, "");
    EXPECT_EQ(done.clips[0].file.key, "vids/" + std::to_string(event) + "/motion/selfie/" + request + "/" +
                                          done.clips[0].uuid + ".mp4");
    EXPECT_EQ(catalog.find_clip(event, request, done.clips[0].uuid)->bytes, 1000);
    EXPECT_FALSE(catalog.find_clip(event + 1, request, done.clips[0].uuid));
    EXPECT_FALSE(catalog.claim_clip_job(long_lease));
    EXPECT_EQ(catalog.start_clip_job(event, request, true).state, ClipJobState::completed);
    EXPECT_FALSE(catalog.claim_clip_job(long_lease)) << "nothing is started twice";
}

TEST_F(ClipJobs, NeedASearchThatLookedAtVideos) {
    const std::string other = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9ab";
    EXPECT_EQ(code_of([&] { catalog.start_clip_job(event, other, true); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { catalog.start_clip_job(event, "no uuid", true); }), ErrorCode::not_found);
    ASSERT_TRUE(catalog.save_search(event, {.request_id = other}));
    EXPECT_EQ(code_of([&] { catalog.start_clip_job(event, other, true); }), ErrorCode::bad_input);
    EXPECT_FALSE(catalog.clip_job(event, other));
    EXPECT_FALSE(catalog.clip_job(event, "no uuid"));
}

TEST_F(ClipJobs, KnowAtOnceThatNobodyWasFound) {
    EXPECT_EQ(catalog.start_clip_job(event, request, false).state, ClipJobState::no_matches);
    EXPECT_EQ(catalog.start_clip_job(event, request, true).state, ClipJobState::no_matches);
    EXPECT_TRUE(job().finished);
    EXPECT_FALSE(catalog.claim_clip_job(long_lease));
}

TEST_F(ClipJobs, EndInTheStateOfTheirClips) {
    catalog.start_clip_job(event, request, true);
    Claim claim = catalog.claim_clip_job(long_lease).value();
    EXPECT_TRUE(catalog.plan_clip_job(claim, {}));
    EXPECT_TRUE(catalog.finish_clip_job(claim));
    EXPECT_EQ(job().state, ClipJobState::no_segments);

    catalog.remove_search(event, request);
    save(request);
    claim = started_and_planned();
    for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(catalog.fail_clip(claim, catalog.next_clip(claim).value(), "no such file", true));
    EXPECT_TRUE(catalog.finish_clip_job(claim));
    EXPECT_EQ(job().state, ClipJobState::clip_failed);
    ASSERT_EQ(job().failures.size(), 2U);
    EXPECT_EQ(job().failures[1].video_key, "start.mp4");
    EXPECT_EQ(job().failures[1].reason, "no such file");
    EXPECT_TRUE(job().failures[1].video_is_gone);
    EXPECT_EQ(job().error, "");

    claim = started_and_planned();  // anew, as nothing came of it
    EXPECT_TRUE(job().failures.empty());
    EXPECT_TRUE(catalog.finish_clip_job(claim, "the disk is full"));
    EXPECT_EQ(job().state, ClipJobState::failed);
    EXPECT_EQ(job().error, "the disk is full");

    claim = started_and_planned();
    store_next(claim);
    EXPECT_TRUE(catalog.finish_clip_job(claim, "the disk is full"));
    EXPECT_EQ(job().state, ClipJobState::completed);
    EXPECT_EQ(job().error, "");
    ASSERT_EQ(job().failures.size(), 1U);
    EXPECT_EQ(job().failures[0].reason, "the disk is full");
    EXPECT_FALSE(job().failures[0].video_is_gone);
}

TEST_F(ClipJobs, AreTakenOnByOneWorkerEach) {
    constexpr int jobs = 60;
    for (int i = 0; i < jobs; ++i) {
        const std::string digits = std::to_string(1000 + i);
        const std::string id = "00000000-0000-4000-8000-00000000" + digits;
        save(id);
        catalog.start_clip_job(event, id, true);
    }
    Catalog second = Catalog::open(workspace());  // as another process would
    std::atomic<int> claimed{0};
    std::array<std::vector<std::int64_t>, 4> taken;
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        workers.emplace_back([&, i] {
            Catalog& mine = i % 2 == 0 ? catalog : second;
            while (const auto claim = mine.claim_clip_job(long_lease)) {
                taken.at(i).push_back(claim->id);
                ++claimed;
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(claimed, jobs);
    std::set<std::int64_t> different;
    for (const auto& some : taken) different.insert(some.begin(), some.end());
    EXPECT_EQ(different.size(), static_cast<std::size_t>(jobs));
}

TEST_F(ClipJobs, GoOnWhereALostWorkerLeftThem) {
    catalog.start_clip_job(event, request, true);
    const Claim lost = catalog.claim_clip_job(no_lease).value();
    ASSERT_TRUE(catalog.plan_clip_job(lost, plan())) << "nobody else has taken it on yet";
    store_next(lost);
    JobClip half = catalog.next_clip(lost).value();

    const Claim heir = catalog.claim_clip_job(long_lease).value();
    EXPECT_EQ(heir.id, lost.id);
    EXPECT_FALSE(catalog.renew_clip_job(lost, long_lease));
    half.bytes = 1;
    EXPECT_FALSE(catalog.put_clip(lost, half));
    EXPECT_FALSE(catalog.fail_clip(lost, half, "late"));
    EXPECT_FALSE(catalog.finish_clip_job(lost));
    EXPECT_FALSE(catalog.next_clip(lost));
    catalog.give_back_clip_job(lost);
    EXPECT_TRUE(unwanted().empty()) << "the file is the heir's now";

    const std::vector<Catalog::ClipPlan> other_plan{{videos[0], {50, 60}}};
    EXPECT_TRUE(catalog.plan_clip_job(heir, other_plan));
    const JobClip again = catalog.next_clip(heir).value();
    EXPECT_EQ(again.uuid, half.uuid) << "the first plan holds";
    EXPECT_TRUE(catalog.renew_clip_job(heir, long_lease));
    EXPECT_TRUE(catalog.put_clip(heir, again));
    EXPECT_TRUE(catalog.finish_clip_job(heir));
    EXPECT_EQ(job().clips.size(), 2U);
    EXPECT_EQ(job().attempts, 2);
}

TEST_F(ClipJobs, AreGivenUpWhenThreeWorkersDisappear) {
    catalog.start_clip_job(event, request, true);
    for (int i = 0; i < most_attempts; ++i) {
        const Claim claim = catalog.claim_clip_job(no_lease).value();
        EXPECT_TRUE(catalog.plan_clip_job(claim, plan()));
        EXPECT_TRUE(catalog.next_clip(claim));
    }
    EXPECT_FALSE(catalog.claim_clip_job(long_lease));
    EXPECT_EQ(job().state, ClipJobState::failed);
    EXPECT_NE(job().error, "");
    EXPECT_EQ(catalog.start_clip_job(event, request, true).attempts, 0) << "somebody wants it tried again";
    EXPECT_TRUE(catalog.claim_clip_job(long_lease));
}

TEST_F(ClipJobs, TryTheClipsLastThatWorkersDisappearedWith) {
    catalog.start_clip_job(event, request, true);
    Claim claim = catalog.claim_clip_job(no_lease).value();
    EXPECT_TRUE(catalog.plan_clip_job(claim, plan()));
    const VideoId deadly = catalog.next_clip(claim)->video;
    for (int i = 1; i < most_attempts; ++i) {
        claim = catalog.claim_clip_job(no_lease).value();
        while (const auto clip = catalog.next_clip(claim)) {
            if (clip->video == deadly) break;  // so does this worker
            EXPECT_TRUE(catalog.put_clip(claim, *clip));
        }
    }
    EXPECT_FALSE(catalog.claim_clip_job(long_lease));
    EXPECT_EQ(job().state, ClipJobState::completed);
    EXPECT_EQ(job().clips.size(), 1U);
    ASSERT_EQ(job().failures.size(), 1U);
    EXPECT_EQ(job().failures[0].video, deadly);
}

TEST_F(ClipJobs, GivenBackAreTakenOnAtOnceAndNotCounted) {
    catalog.start_clip_job(event, request, true);
    for (int i = 0; i < 2 * most_attempts; ++i)
        catalog.give_back_clip_job(catalog.claim_clip_job(long_lease).value());
    EXPECT_EQ(job().attempts, 0);
    EXPECT_TRUE(catalog.claim_clip_job(long_lease));
}

TEST_F(ClipJobs, LeaveUnwantedFilesWithEveryWayToGo) {
    const auto keys = [this] {
        std::set<std::string> all;
        for (const JobClip& clip : job().clips) all.insert(clip.file.key);
        return all;
    };
    const auto completed = [&] {
        const Claim claim = started_and_planned();
        for (int i = 0; i < 2; ++i) store_next(claim);
        EXPECT_TRUE(catalog.finish_clip_job(claim));
        return keys();
    };
    const std::set<std::string> gone = completed();
    catalog.remove_search(event, request);
    EXPECT_EQ(unwanted(), gone);
    EXPECT_FALSE(catalog.clip_job(event, request));

    save(request);
    completed();
    const std::string of_video = job().clips[0].file.key;
    catalog.remove_videos(event, std::array{videos[0]});
    EXPECT_TRUE(unwanted().contains(of_video));
    EXPECT_EQ(job().clips.size(), 1U);
    EXPECT_EQ(job().state, ClipJobState::completed) << "the answer is frozen, but for what is gone";

    catalog.set_videos_hidden(event, std::array{videos[1]}, true);
    EXPECT_TRUE(job().clips.empty());
    EXPECT_EQ(job().state, ClipJobState::clip_failed) << "completed is told where there is a clip";
    catalog.set_videos_hidden(event, std::array{videos[1]}, false);
    EXPECT_EQ(job().state, ClipJobState::completed);
    const std::set<std::string> last = keys();
    const Purge purge = catalog.purge(event);
    EXPECT_EQ(purge.removed.at("clips"), 1);
    EXPECT_TRUE(unwanted().contains(*last.begin()));
    EXPECT_EQ(catalog.count_unwanted_files(event), 4) << "two each of two searches";
}

TEST_F(ClipJobs, WhoseVideosAreAllGoneAreStartedAgain) {
    const Claim claim = started_and_planned();
    for (int i = 0; i < 2; ++i) store_next(claim);
    EXPECT_TRUE(catalog.finish_clip_job(claim));
    catalog.remove_videos(event, std::array{videos[0], videos[1]});
    EXPECT_EQ(job().state, ClipJobState::clip_failed);
    EXPECT_EQ(catalog.start_clip_job(event, request, true).state, ClipJobState::processing);
}

TEST_F(ClipJobs, WhoseSearchGoesWhileAClipIsStoredLeaveNoFile) {
    const Claim claim = started_and_planned();
    const JobClip clip = catalog.next_clip(claim).value();
    catalog.remove_search(event, request);
    for (const StoreId store : catalog.stores_with_unwanted_files())
        catalog.forget_unwanted_files(catalog.unwanted_files(store, 100));  // removed before it was written
    EXPECT_FALSE(catalog.put_clip(claim, clip));
    EXPECT_EQ(unwanted(), std::set<std::string>{clip.file.key});
}

TEST_F(ClipJobs, ExpireWithTheirSearches) {
    const std::string short_lived = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9ac";
    SavedSearch search{.request_id = short_lived, .expires = 1};
    search.appearances.emplace();
    ASSERT_TRUE(catalog.save_search(event, search));
    EXPECT_EQ(code_of([&] { catalog.start_clip_job(event, short_lived, true); }), ErrorCode::not_found);
    EXPECT_FALSE(catalog.clip_job(event, short_lived));
}

}  // namespace
}  // namespace eventlens

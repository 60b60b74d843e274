#include "storage/download_name.h"

#include <gtest/gtest.h>

namespace eventlens {
namespace {

TEST(DownloadName, KeepsPlainNames) {
    EXPECT_EQ(content_disposition("best of 1.jpg"), "attachment; filename=\"best of 1.jpg\"");
}

TEST(DownloadName, NamesOthersTwice) {  // for browsers that know filename*, and those that do not
    EXPECT_EQ(content_disposition("Z\xC3\xBCrich 100%.jpg"),
              "attachment; filename=\"Z__rich 100_.jpg\"; filename*=UTF-8''Z%C3%BCrich%20100%25.jpg");
}

TEST(DownloadName, CannotEndTheHeaderOrItsQuotes) {
    EXPECT_EQ(content_disposition("a\"; x=\\\r\nSet-Cookie: b"),
              "attachment; filename=\"a_; x=___Set-Cookie: b\"; "
              "filename*=UTF-8''a%22%3B%20x%3D%5C%0D%0ASet-Cookie%3A%20b");
}

}  // namespace
}  // namespace eventlens

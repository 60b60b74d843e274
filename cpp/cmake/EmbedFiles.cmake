# embed_files(<target> <path>=<file>...)
# Builds the files into the target: it then has pages() of server/pages.h, which gives each under its path.
# The file is written anew when one of them changes, by this script itself.
function(embed_files target)
    set(files ${ARGN})
    list(TRANSFORM files REPLACE "^[^=]*=" "")
    set(written ${CMAKE_CURRENT_BINARY_DIR}/${target}_pages.cpp)
    string(REPLACE ";" "|" pages "${ARGN}")
    add_custom_command(OUTPUT ${written}
                       COMMAND ${CMAKE_COMMAND} -D PAGES=${pages} -D WRITTEN=${written} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
                       DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
                       COMMENT "Embedding the pages of ${target}" VERBATIM)
    target_sources(${target} PRIVATE ${written})
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    return()
endif()

set(type_of_html "text/html; charset=utf-8")
set(type_of_css "text/css; charset=utf-8")
set(type_of_js "text/javascript; charset=utf-8")
set(type_of_json "application/json")
set(type_of_svg "image/svg+xml")

set(contents "")
set(rows "")
set(number 0)
string(REPLACE "|" ";" pages "${PAGES}")
foreach(page IN LISTS pages)
    string(REGEX MATCH "^([^=]*)=(.*\\.([a-z]+))$" matched "${page}")
    set(path ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
    set(type ${type_of_${CMAKE_MATCH_3}})
    if(NOT matched OR NOT type)
        message(FATAL_ERROR "${page}: expected PATH=FILE, and a kind of file whose content type stands in EmbedFiles.cmake")
    endif()
    file(READ ${file} bytes HEX)
    file(SHA256 ${file} digest)
    string(SUBSTRING ${digest} 0 32 etag)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND contents "constexpr char content_${number}[] = {${bytes}};\n")
    string(APPEND rows "    Page{\"${path}\", \"${type}\", {content_${number}, sizeof content_${number}}, \"\\\"${etag}\\\"\"},\n")
    math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${WRITTEN} "#include \"server/pages.h\"

#include <array>

namespace eventlens::server {

namespace {

${contents}
constexpr std::array embedded = {
${rows}};

}  // namespace

std::span<const Page> pages() noexcept { return embedded; }

}  // namespace eventlens::server
")

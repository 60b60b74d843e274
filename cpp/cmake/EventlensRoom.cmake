# Flags every target of ours shares. An INTERFACE target, so third-party code is untouched.
add_library(eventlens_flags INTERFACE)
target_compile_features(eventlens_flags INTERFACE cxx_std_20)
target_compile_options(eventlens_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow
                                                 $<$<BOOL:${EVENTLENS_WERROR}>:-Werror>)
foreach(sanitizer IN LISTS EVENTLENS_SANITIZERS)  # e.g. -DEVENTLENS_SANITIZERS="address;undefined"
    # GCC 12 sees uninitialised reads in <regex> that are none when it instruments it (GCC bug 105562).
    target_compile_options(eventlens_flags INTERFACE -fsanitize=${sanitizer} -fno-omit-frame-pointer
                                                     -Wno-maybe-uninitialized)
    target_link_options(eventlens_flags INTERFACE -fsanitize=${sanitizer})
endforeach()

# eventlens_room(<name> SOURCES <files> USES <rooms> LIBRARIES <third party>)
# One room = one folder under src/ = one library. USES is the room's whole list of permitted includes;
# tests/architecture/test_layers.py holds the code to it. Third-party headers are SYSTEM: their warnings are not ours.
function(eventlens_room name)
    cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;USES;LIBRARIES")
    list(TRANSFORM room_SOURCES PREPEND src/${name}/)
    list(TRANSFORM room_USES PREPEND eventlens_)
    add_library(eventlens_${name} STATIC ${room_SOURCES})
    add_library(eventlens::${name} ALIAS eventlens_${name})
    target_include_directories(eventlens_${name} PUBLIC include src)
    target_link_libraries(eventlens_${name} PUBLIC ${room_USES} PRIVATE eventlens_flags ${room_LIBRARIES})
    set_target_properties(eventlens_${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# What is worth its time under an emulator: the rooms whose results must not depend on the processor, the engine's on
# the oldest board too, and the programs as a whole. The other rooms' tests run where they are built.
syn_tests(core FOLDER core LINK syn_core)
syn_tests(snn FOLDER snn LINK syn_snn TIMEOUT 600)
syn_tests(codec FOLDER transport/codec LINK syn_codec)
syn_tests(differential FOLDER differential LINK syn_sim TIMEOUT 900)
add_test(NAME snn_cortex-a53 COMMAND test_snn)
add_test(NAME snn_cortex-a76 COMMAND test_snn)
set_tests_properties(core snn codec differential PROPERTIES ENVIRONMENT QEMU_CPU=cortex-a72)  # Raspberry Pi 4
set_tests_properties(snn_cortex-a53 PROPERTIES TIMEOUT 600 ENVIRONMENT QEMU_CPU=cortex-a53)   # Pi 3, Zero 2
set_tests_properties(snn_cortex-a76 PROPERTIES TIMEOUT 600 ENVIRONMENT QEMU_CPU=cortex-a76)   # Pi 5: dot products

set(SYN_NATIVE_BIN "${PROJECT_SOURCE_DIR}/build/dev/bin" CACHE PATH "this machine's own synfire and synfired")
add_test(NAME same_as_here COMMAND "${CMAKE_CURRENT_LIST_DIR}/same_as_here" "${SYN_NATIVE_BIN}"
         "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" "${CMAKE_SYSROOT}" "${PROJECT_SOURCE_DIR}")
add_test(NAME any_board COMMAND "${CMAKE_CURRENT_LIST_DIR}/any_board" "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
set_tests_properties(same_as_here PROPERTIES TIMEOUT 900)

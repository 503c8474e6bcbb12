# Who may include whom. One line a room: the name, its folder, and the rooms whose headers it may include.
# The build links exactly these arrows, and tests/house/layering_test.cpp reads this file and fails on any other
# include. `test` rooms see everything.
set(SYN_LAYERS
  "core       | core                | "
  "snn        | snn                 | core"
  "codec      | transport/codec     | core"
  "transport  | transport           | codec core"
  "nodes      | nodes               | snn core"
  "daemon     | nodes/daemon        | nodes transport codec snn core"
  "sim        | sim                 | nodes codec snn core"
  "data       | conversion/data     | hdf5 core"
  "hdf5       | conversion/hdf5     | core"
  "nir        | conversion/nir      | hdf5 snn core"
  "conversion | conversion          | snn data core"
  "report     | report              | snn core"
  "trainer    | conversion/trainer  | conversion nir data snn core"
  "cli        | cli                 | sim daemon nodes transport codec report nir hdf5 conversion data snn core"
)

// Stands in for plotly.js and 3Dmol.js in a build without it: the page shows its tables and says that charts were left out.

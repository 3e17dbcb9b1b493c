// Stands in for plotly.js in a build without it: the page shows its tables and says that charts were left out.
